"""Upgrades a database to the newest revision, one migrator at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import text

import service
from service.db.engine import create_engine
from service.db.locks import Lock, hold

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from service.settings import Settings

LOCK_TIMEOUT = "10s"


def alembic_config() -> Config:
    """Alembic's configuration, built without a file."""
    package = Path(service.__file__).parent
    installed = package / "migrations"
    config = Config()
    config.set_main_option("script_location", str(installed if installed.is_dir() else package.parent / "migrations"))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    return config


async def migrate(settings: Settings, revision: str = "head") -> None:
    """Upgrade to `revision`, all or nothing. A second migrator waits, then finds nothing to do.

    Raises
    ------
    sqlalchemy.exc.DBAPIError, OSError
        If the database cannot be reached or changed.
    """
    engine = create_engine(settings, patient=True)
    try:
        async with engine.begin() as connection:
            # Taken before the time-out is set: that is for tables in use, not for another migrator.
            await hold(connection, Lock.MIGRATE)
            await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def migrate_now(settings: Settings) -> None:
    """`migrate` for callers without an event loop."""
    asyncio.run(migrate(settings))


def _upgrade(connection: Connection, revision: str) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
