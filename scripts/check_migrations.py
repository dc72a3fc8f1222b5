"""Fail where the tables in the code and the migrations differ: `alembic check` on an empty embedded PostgreSQL.

python -m scripts.check_migrations
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from alembic import command
from pydantic import SecretStr
from sqlalchemy import Connection

from service.db.embedded import EmbeddedPostgres
from service.db.engine import create_engine
from service.db.migrate import alembic_config, migrate
from service.settings import Settings


async def check(settings: Settings) -> None:
    """Migrate to the newest revision, then compare."""
    await migrate(settings)
    engine = create_engine(settings, patient=True)
    async with engine.begin() as connection:
        await connection.run_sync(_compare)
    await engine.dispose()


def _compare(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.check(config)


def main() -> None:
    """Run the check on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="ares-check-") as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedPostgres(Path(folder))
        server.start()
        try:
            asyncio.run(check(Settings(database_url=SecretStr(server.url()))))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
