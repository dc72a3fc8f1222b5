"""SQL of the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, any_, cast, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from service.db.tables import OutcomeRow
from service.outcomes.followed import followed_advice, traded_sd_multiplier

TradeKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What of a trade is trained with; price and VIX as it was advised on, if reported."""

    id: int
    trade_date: date
    outcome: str
    sd_multiplier: float
    price: float | None
    vix: float | None
    is_new: bool


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

    async def known(self, keys: Sequence[TradeKey]) -> dict[TradeKey, OutcomeRow]:
        """The stored trades among these."""
        if not keys:
            return {}
        stored = await self._session.scalars(
            select(OutcomeRow).where(tuple_(OutcomeRow.bot, OutcomeRow.trade_id).in_(keys))
        )
        return {(row.bot, row.trade_id): row for row in stored}

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

    async def count_untrained(self, today: date) -> int:
        """How many outcomes to this day no promoted model has been trained with."""
        untrained = select(func.count()).where(OutcomeRow.trained_in.is_(None), OutcomeRow.trade_date <= today)
        return await self._session.scalar(untrained) or 0

    async def to_train_with(self, today: date) -> Sequence[TrainingOutcome]:
        """Every outcome to this day, oldest first, with the multiplier really traded."""
        advice, joined = followed_advice()
        found = await self._session.execute(
            select(
                OutcomeRow.id,
                OutcomeRow.trade_date,
                OutcomeRow.outcome,
                traded_sd_multiplier(advice),
                OutcomeRow.features["price"].as_float(),
                OutcomeRow.features["vix"].as_float(),
                OutcomeRow.trained_in.is_(None),
            )
            .select_from(joined)
            .where(OutcomeRow.trade_date <= today)
            .order_by(OutcomeRow.id)
        )
        return [TrainingOutcome(*row) for row in found]

    async def mark_trained(self, ids: Sequence[int], run_id: UUID) -> None:
        """Remember which outcomes a promoted model was trained with."""
        await self._session.execute(
            update(OutcomeRow)
            .where(OutcomeRow.id == any_(cast(list(ids), ARRAY(BigInteger))), OutcomeRow.trained_in.is_(None))
            .values(trained_in=run_id)
            .execution_options(synchronize_session=False)
        )
