"""SQL for the advice log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.db.tables import AdviceRow


class AdviceRepository:
    """Logged answers, within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Store answers; those already stored stay unchanged."""
        await self._session.execute(insert(AdviceRow).on_conflict_do_nothing(), rows)
