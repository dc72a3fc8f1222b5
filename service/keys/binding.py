"""A service that other machines can reach does not start without a key."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import async_sessionmaker

from service.db.engine import close, create_engine, transaction
from service.errors import DatabaseUnavailableError, SettingsError
from service.keys.caller import StoredKey
from service.keys.repository import KeyRepository, stored_key
from service.replica.keys_on_disk import KeysOnDisk
from service.settings import Settings

log = structlog.get_logger(__name__)


async def require_safe_binding(settings: Settings) -> None:
    """Refuse to be reachable from other machines without any key to tell callers apart.

    Raises
    ------
    SettingsError
    """
    if settings.binds_loopback_only or settings.api_key is not None:
        return
    if not any(not key.revoked for key in await _keys(settings)):
        raise SettingsError(
            f"ADVISOR_HOST={settings.host} can be reached from other machines: "
            "set ADVISOR_API_KEY or make a key with `advisor keys make` first"
        )


async def _keys(settings: Settings) -> list[StoredKey]:
    """The stored keys or, if Postgres is unavailable, the copy on disk."""
    engine = create_engine(settings)
    try:
        async with transaction(async_sessionmaker(engine)) as session:
            return [stored_key(row) for row in await KeyRepository(session).all()]
    except (DatabaseUnavailableError, DBAPIError) as error:
        log.warning("keys_not_read", error=type(error).__name__)
        return KeysOnDisk(settings.data_dir).load() or []
    finally:
        await close(engine)
