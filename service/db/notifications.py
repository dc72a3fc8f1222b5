"""How replicas tell each other about changes: one Postgres channel, with the topic as payload."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

CHANNEL = "advisor_changes"


class Topic(StrEnum):
    """What changed."""

    CHAMPION = "champion"
    MARKET_DAYS = "market_days"
    KEYS = "keys"


async def notify(session: AsyncSession, topic: Topic) -> None:
    """Tell every replica once the transaction commits, and only then."""
    await session.execute(text("SELECT pg_notify(:channel, :topic)"), {"channel": CHANNEL, "topic": topic.value})
