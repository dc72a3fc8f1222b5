"""The advisory locks of this application, kept in one place so that no two share a number."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession


class Lock(IntEnum):
    """What only one transaction at a time may do."""

    MIGRATE = 7_230_651_804
    PROMOTE = 7_230_651_805
    ASK_FOR_RETRAIN = 7_230_651_806


async def hold(connection: AsyncConnection | AsyncSession, lock: Lock) -> None:
    """Wait for a lock, and hold it until the transaction ends."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock.value})
