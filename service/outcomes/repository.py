"""SQL of the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.db.tables import OutcomeRow

TradeKey = tuple[str, str]


class OutcomeRepository:
    """Outcomes within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def insert_new(self, rows: Sequence[dict[str, Any]]) -> set[TradeKey]:
        """Insert the trades that are not there yet.

        Returns
        -------
        `(bot, trade_id)` of those that were inserted.
        """
        statement = insert(OutcomeRow).on_conflict_do_nothing(index_elements=["bot", "trade_id"])
        # The rows beside the statement, not in it as `values`: then it is compiled once, not for each batch.
        inserted = await self._session.execute(statement.returning(OutcomeRow.bot, OutcomeRow.trade_id), rows)
        return {(row.bot, row.trade_id) for row in inserted}

    async def content_hashes(self, keys: Sequence[TradeKey]) -> dict[TradeKey, bytes]:
        """The content hash of each stored trade."""
        if not keys:
            return {}
        stored = await self._session.execute(
            select(OutcomeRow.bot, OutcomeRow.trade_id, OutcomeRow.content_sha256).where(
                tuple_(OutcomeRow.bot, OutcomeRow.trade_id).in_(keys)
            )
        )
        return {(row.bot, row.trade_id): row.content_sha256 for row in stored}

    async def page(
        self, *, bot: str | None, start: date | None, end: date | None, before_id: int | None, limit: int
    ) -> Sequence[OutcomeRow]:
        """Outcomes by trade date, newest record first, those before `before_id` only."""
        query = select(OutcomeRow).order_by(OutcomeRow.id.desc()).limit(limit)
        if bot is not None:
            query = query.where(OutcomeRow.bot == bot)
        if start is not None:
            query = query.where(OutcomeRow.trade_date >= start)
        if end is not None:
            query = query.where(OutcomeRow.trade_date <= end)
        if before_id is not None:
            query = query.where(OutcomeRow.id < before_id)
        return (await self._session.scalars(query)).all()

    async def count_untrained(self) -> int:
        """How many outcomes no promoted model has been trained with."""
        return await self._session.scalar(select(func.count()).where(OutcomeRow.trained_in.is_(None))) or 0

    async def all(self) -> Sequence[OutcomeRow]:
        """Every outcome, oldest first."""
        return (await self._session.scalars(select(OutcomeRow).order_by(OutcomeRow.id))).all()

    async def mark_trained(self, ids: Sequence[int], run_id: UUID) -> None:
        """Remember which outcomes a promoted model was trained with."""
        await self._session.execute(
            update(OutcomeRow).where(OutcomeRow.id.in_(ids), OutcomeRow.trained_in.is_(None)).values(trained_in=run_id)
        )
