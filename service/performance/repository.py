"""SQL that joins outcomes to advice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Text, and_, cast, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from service.db.tables import AdviceRow, OutcomeRow


@dataclass(frozen=True, slots=True)
class FollowedAdvice:
    """The advice before a trade; `curve` as JSON text."""

    advice: str
    sd_multiplier: float
    trained_through: date | None
    curve: str


@dataclass(frozen=True, slots=True)
class Trade:
    """A reported trade with the advice it followed, if any is in the log; `sd_multiplier` as reported."""

    bot: str
    session: date
    outcome: str
    net_pnl_dollars: Decimal
    flags: Sequence[str]
    sd_multiplier: float | None
    followed: FollowedAdvice | None


@dataclass(frozen=True, slots=True)
class Advised:
    """The latest advice of a bot for a session; `reasons` and `features` as JSON text."""

    bot: str
    session: date
    advice: str
    sd_multiplier: float
    win_probability: float
    model_version: str
    trained_through: date | None
    status: str
    variant: str
    reasons: str
    features: str


class PerformanceRepository:
    """Advice and outcomes within one transaction. JSON comes as text, to be read off the event loop."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def trades(self, bot: str | None, first: date, last: date, limit: int) -> Sequence[Trade]:
        """Trades of the sessions from `first` to `last`, each with its advice, in the order they were recorded.

        A trade's advice is the one it names, if that was for this bot and session; else the latest that this bot
        was given for the session before the trade was recorded.
        """
        named, latest, advice = aliased(AdviceRow), aliased(AdviceRow), aliased(AdviceRow)
        latest_id = (
            select(latest.advice_id)
            .where(
                latest.bot == OutcomeRow.bot,
                latest.session == OutcomeRow.trade_date,
                _answered(latest) <= OutcomeRow.recorded_at,
            )
            .order_by(_answered(latest).desc())
            .limit(1)
            .correlate(OutcomeRow)
            .scalar_subquery()
        )
        is_named = and_(
            named.advice_id == OutcomeRow.advice_id,
            named.bot == OutcomeRow.bot,
            named.session == OutcomeRow.trade_date,
        )
        found = (
            select(
                OutcomeRow.bot,
                OutcomeRow.trade_date.label("session"),
                OutcomeRow.outcome,
                OutcomeRow.net_pnl.label("net_pnl_dollars"),
                OutcomeRow.flags,
                OutcomeRow.sd_multiplier,
                advice.advice,
                advice.sd_multiplier.label("asked_sd_multiplier"),
                advice.trained_through,
                cast(advice.reply["curve"], Text).label("curve"),
            )
            .outerjoin(named, is_named)
            .outerjoin(advice, advice.advice_id == func.coalesce(named.advice_id, latest_id))
            .where(OutcomeRow.trade_date.between(first, last), _of(OutcomeRow.bot, bot))
            .order_by(OutcomeRow.recorded_at, OutcomeRow.id)
            .limit(limit)
        )
        return [_trade(row) for row in (await self._session.execute(found)).mappings()]

    async def advised(self, bot: str | None, first: date, last: date, limit: int) -> Sequence[Advised]:
        """The latest advice of each bot for each session from `first` to `last`, in the order of sessions."""
        latest = (
            select(AdviceRow.advice_id)
            .distinct(AdviceRow.bot, AdviceRow.session)
            .where(AdviceRow.session.between(first, last), _of(AdviceRow.bot, bot))
            .order_by(AdviceRow.bot, AdviceRow.session, _answered(AdviceRow).desc())
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
                AdviceRow.trained_through,
                AdviceRow.reply["status"].astext.label("status"),
                AdviceRow.reply["variant"].astext.label("variant"),
                cast(AdviceRow.reply["reasons"], Text).label("reasons"),
                cast(AdviceRow.reply["features"], Text).label("features"),
            )
            .join(latest, latest.c.advice_id == AdviceRow.advice_id)
            .order_by(AdviceRow.session, _answered(AdviceRow))
            .limit(limit)
        )
        return [Advised(**row) for row in (await self._session.execute(found)).mappings()]


def _trade(row: RowMapping) -> Trade:
    followed = None
    if row["advice"] is not None:
        followed = FollowedAdvice(row["advice"], row["asked_sd_multiplier"], row["trained_through"], row["curve"])
    reported = ("bot", "session", "outcome", "net_pnl_dollars", "flags", "sd_multiplier")
    return Trade(**{name: row[name] for name in reported}, followed=followed)


def _answered(advice: Any) -> ColumnElement[Any]:
    """When the advice was given; of rows older than that column, when it was written."""
    return func.coalesce(advice.answered_at, advice.logged_at)


def _of(column: InstrumentedAttribute[str], bot: str | None) -> ColumnElement[bool]:
    return true() if bot is None else column == bot
