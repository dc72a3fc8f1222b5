"""SQL that joins outcomes to advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Float, RowMapping, Text, case, cast, func, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from service.db.tables import AdviceRow, OutcomeRow
from service.outcomes.repository import answered, followed_advice, traded_sd_multiplier


@dataclass(frozen=True, slots=True)
class LoggedAdvice:
    """The advice that a trade followed; `curve` is JSON text."""

    advice: str
    trained_through: date | None
    curve: str


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """A reported trade, the multiplier it was traded at, and the advice it followed, if any is in the log.

    Attributes
    ----------
    price, vix : SPX and VIX at entry as reported, else as the advice was asked with; None if neither is known
    """

    bot: str
    session: date
    outcome: str
    net_pnl_dollars: Decimal
    flags: Sequence[str]
    sd_multiplier: float
    put_short_strike: float | None
    call_short_strike: float | None
    price: float | None
    vix: float | None
    followed: LoggedAdvice | None


@dataclass(frozen=True, slots=True)
class SessionAdvice:
    """The first advice to a bot for a session; `reasons` and `features` are JSON text."""

    bot: str
    session: date
    advice: str
    sd_multiplier: float
    win_probability: float
    model_version: str
    answered_at: datetime
    trained_through: date | None
    status: str
    variant: str
    reasons: str
    features: str
    listed_fair_credit_points: float | None
    wing_points: float | None


class PerformanceRepository:
    """Advice and outcomes within one transaction. JSON stays text, so that it can be parsed off the event loop."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def trades(self, bot: str | None, first: date, last: date, limit: int) -> Sequence[TradeRecord]:
        """Trades of the sessions from `first` to `last`, each with the advice it followed, in the order recorded."""
        advice, joined = followed_advice()
        found = (
            select(
                OutcomeRow.bot,
                OutcomeRow.trade_date.label("session"),
                OutcomeRow.outcome,
                OutcomeRow.net_pnl.label("net_pnl_dollars"),
                OutcomeRow.flags,
                traded_sd_multiplier(advice).label("sd_multiplier"),
                OutcomeRow.put_short_strike,
                OutcomeRow.call_short_strike,
                func.coalesce(_reported("price"), advice.price).label("price"),
                func.coalesce(_reported("vix"), advice.vix).label("vix"),
                advice.advice,
                advice.trained_through,
                cast(advice.reply["curve"], Text).label("curve"),
            )
            .select_from(joined)
            .where(OutcomeRow.trade_date.between(first, last), _of(OutcomeRow.bot, bot))
            .order_by(OutcomeRow.recorded_at, OutcomeRow.id)
            .limit(limit)
        )
        return [_trade(row) for row in (await self._session.execute(found)).mappings()]

    async def advised(self, bot: str | None, first: date, last: date, limit: int) -> Sequence[SessionAdvice]:
        """The first advice to each bot for each session from `first` to `last`, in the order of sessions."""
        first_of_each = (
            select(AdviceRow.advice_id)
            .ext(distinct_on(AdviceRow.bot, AdviceRow.session))
            .where(AdviceRow.session.between(first, last), _of(AdviceRow.bot, bot))
            .order_by(AdviceRow.bot, AdviceRow.session, answered(AdviceRow))
            .subquery()
        )
        found = (
            select(
                AdviceRow.bot,
                AdviceRow.session,
                AdviceRow.advice,
                AdviceRow.sd_multiplier,
                AdviceRow.win_probability,
                AdviceRow.model_version,
                answered(AdviceRow).label("answered_at"),
                AdviceRow.trained_through,
                AdviceRow.reply["status"].astext.label("status"),
                AdviceRow.reply["variant"].astext.label("variant"),
                cast(AdviceRow.reply["reasons"], Text).label("reasons"),
                cast(AdviceRow.reply["features"], Text).label("features"),
                cast(AdviceRow.reply["listed_fair_credit_points"].astext, Float).label("listed_fair_credit_points"),
                cast(AdviceRow.reply["wing_points"].astext, Float).label("wing_points"),
            )
            .join(first_of_each, first_of_each.c.advice_id == AdviceRow.advice_id)
            .order_by(AdviceRow.session, answered(AdviceRow))
            .limit(limit)
        )
        return [SessionAdvice(**row) for row in (await self._session.execute(found)).mappings()]


def _trade(row: RowMapping) -> TradeRecord:
    followed = None
    if row["advice"] is not None:
        followed = LoggedAdvice(row["advice"], row["trained_through"], row["curve"])
    reported = {field.name for field in fields(TradeRecord)} - {"followed"}
    return TradeRecord(**{name: row[name] for name in reported}, followed=followed)


def _reported(feature: str) -> ColumnElement[float | None]:
    """A figure that the bot gave with the outcome; null if that is no price."""
    value = OutcomeRow.features[feature].as_float()
    return case((value > 0, value))


def _of(column: InstrumentedAttribute[str], bot: str | None) -> ColumnElement[bool]:
    return true() if bot is None else column == bot
