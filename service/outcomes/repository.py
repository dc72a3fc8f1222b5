"""SQL for the outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Join,
    and_,
    any_,
    cast,
    func,
    outerjoin,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from kronos.condor.spec import DEFAULT_SD_MULTIPLIER
from service.db.tables import AdviceRow, OutcomeRow

TradeKey = tuple[str, str]
"""Bot and trade id."""
TradedOutcome = tuple[OutcomeRow, float]
"""A trade and the multiplier it was traded at."""


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """The part of a trade that training uses; price and VIX are those of the advice, if reported."""

    id: int
    trade_date: date
    outcome: str
    sd_multiplier: float
    price: float | None
    vix: float | None
    put_short_strike: float | None
    call_short_strike: float | None
    settlement_price: float | None
    is_new: bool


class OutcomeRepository:
    """Outcomes within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def insert_new(self, rows: Sequence[dict[str, Any]]) -> set[TradeKey]:
        """Insert the trades that are not stored yet.

        Returns
        -------
        `(bot, trade_id)` of those inserted.
        """
        statement = insert(OutcomeRow).on_conflict_do_nothing(index_elements=["bot", "trade_id"])
        # Rows passed beside the statement, not as `values` in it, let it be compiled once instead of per batch.
        inserted = await self._session.execute(statement.returning(OutcomeRow.bot, OutcomeRow.trade_id), rows)
        return {(row.bot, row.trade_id) for row in inserted}

    async def known(self, keys: Sequence[TradeKey]) -> dict[TradeKey, OutcomeRow]:
        """Those of these trades that are stored."""
        if not keys:
            return {}
        stored = await self._session.scalars(
            select(OutcomeRow).where(tuple_(OutcomeRow.bot, OutcomeRow.trade_id).in_(keys))
        )
        return {(row.bot, row.trade_id): row for row in stored}

    async def page(
        self, *, bot: str | None, start: date | None, end: date | None, before_id: int | None, limit: int
    ) -> Sequence[OutcomeRow]:
        """Outcomes within the trade dates, newest record first; only those before `before_id`, if given."""
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

    async def traded(self, keys: Sequence[TradeKey]) -> Sequence[TradedOutcome]:
        """These trades, each with the multiplier it was traded at."""
        return await self._traded(tuple_(OutcomeRow.bot, OutcomeRow.trade_id).in_(keys))

    async def traded_between(self, first: date, last: date) -> Sequence[TradedOutcome]:
        """The trades of the sessions from `first` to `last`, each with the multiplier it was traded at."""
        return await self._traded(OutcomeRow.trade_date.between(first, last))

    async def flush(self) -> None:
        """Write changes to rows that were read."""
        await self._session.flush()

    async def count_untrained(self, today: date) -> int:
        """How many outcomes up to this day no promoted model was trained on."""
        untrained = select(func.count()).where(OutcomeRow.trained_in.is_(None), OutcomeRow.trade_date <= today)
        return await self._session.scalar(untrained) or 0

    async def to_train_with(self, today: date) -> Sequence[TrainingOutcome]:
        """Every outcome up to this day, oldest first, each with the multiplier it was traded at."""
        advice, joined = followed_advice()
        found = await self._session.execute(
            select(
                OutcomeRow.id,
                OutcomeRow.trade_date,
                OutcomeRow.outcome,
                traded_sd_multiplier(advice),
                OutcomeRow.features["price"].as_float(),
                OutcomeRow.features["vix"].as_float(),
                OutcomeRow.put_short_strike,
                OutcomeRow.call_short_strike,
                OutcomeRow.settlement_price,
                OutcomeRow.trained_in.is_(None),
            )
            .select_from(joined)
            .where(OutcomeRow.trade_date <= today)
            .order_by(OutcomeRow.id)
        )
        return [TrainingOutcome(*row) for row in found]

    async def mark_trained(self, ids: Sequence[int], run_id: UUID) -> None:
        """Record which outcomes a promoted model was trained on."""
        await self._session.execute(
            update(OutcomeRow)
            .where(OutcomeRow.id == any_(cast(list(ids), ARRAY(BigInteger))), OutcomeRow.trained_in.is_(None))
            .values(trained_in=run_id)
            .execution_options(synchronize_session=False)
        )

    async def _traded(self, which: ColumnElement[bool]) -> Sequence[TradedOutcome]:
        advice, joined = followed_advice()
        found = await self._session.execute(
            select(OutcomeRow, traded_sd_multiplier(advice)).select_from(joined).where(which)
        )
        return [(row, sd_multiplier) for row, sd_multiplier in found]


def followed_advice() -> tuple[type[AdviceRow], Join]:
    """Outcomes joined to the advice that each followed, if any is in the log.

    This is the advice that the trade names, if that was for the same bot and session. Otherwise it is the first that
    the bot received for the session before the trade was recorded: later answers know more of the day than the trader
    knew at entry.
    """
    named, first, advice = aliased(AdviceRow), aliased(AdviceRow), aliased(AdviceRow)
    first_id = (
        select(first.advice_id)
        .where(
            first.bot == OutcomeRow.bot,
            first.session == OutcomeRow.trade_date,
            answered(first) <= OutcomeRow.recorded_at,
        )
        .order_by(answered(first))
        .limit(1)
        .correlate(OutcomeRow)
        .scalar_subquery()
    )
    is_named = and_(
        named.advice_id == OutcomeRow.advice_id, named.bot == OutcomeRow.bot, named.session == OutcomeRow.trade_date
    )
    beside_named = outerjoin(OutcomeRow, named, is_named)
    return advice, outerjoin(beside_named, advice, advice.advice_id == func.coalesce(named.advice_id, first_id))


def traded_sd_multiplier(advice: type[AdviceRow]) -> ColumnElement[float]:
    """The multiplier as reported; else as advised, which is what the guide's bot trades; else the bot's default."""
    suggested = advice.reply["suggested_sd_multiplier"].as_float()
    return func.coalesce(OutcomeRow.sd_multiplier, suggested, DEFAULT_SD_MULTIPLIER)


def answered(advice: Any) -> ColumnElement[Any]:
    """When advice was given or, in rows older than that column, when it was logged."""
    return func.coalesce(advice.answered_at, advice.logged_at)
