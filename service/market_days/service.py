"""Daily bars: checked against the exchange's sessions and stored; then the trades that they settle are checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ares_client.contract import MarketDays, MarketDaysReply
from kronos.condor.spec import CondorSpec
from kronos.errors import MarketDataError
from kronos.market.clock import Clock
from kronos.market.fetch import last_settled_session
from kronos.market.history import MarketHistory
from kronos.market.plausible import implausible
from kronos.market.sessions import as_date, exchange_sessions
from service.db.notifications import Topic, notify
from service.errors import ImplausibleBarsError, NotASessionError, OutsideCalendarError
from service.market_days.repository import MarketDayRepository, bars_of
from service.models.repository import ModelRepository
from service.outcomes.judging import OutcomeJudge
from service.outcomes.repository import OutcomeRepository


class MarketDayService:
    """Stores bars within one transaction."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._market_days = MarketDayRepository(session)

    async def put(self, request: MarketDays) -> MarketDaysReply:
        """Insert or replace bars, all or none.

        Raises
        ------
        NotASessionError
            If a day is not an exchange session, has not settled, or appears twice.
        ImplausibleBarsError
            If a value cannot be true, or cannot stand beside the other bars.
        OutsideCalendarError
            If today lies outside the session list, so that nothing says what has settled.
        """
        sessions = exchange_sessions()
        bars = {day.date: day for day in request.days}
        strangers = sorted(day for day in bars if day not in sessions)
        if strangers:
            raise NotASessionError(
                f"{len(strangers)} of the days are not exchange sessions; the first is {strangers[0]}"
            )
        try:
            settled = last_settled_session(self._clock())
        except MarketDataError as error:
            raise OutsideCalendarError(f"{error}; upgrade the advisor, which brings a longer list") from error
        if max(bars) > settled:
            raise NotASessionError(f"bars are accepted only for sessions that have settled; the last one is {settled}")
        if len(bars) < len(request.days):
            raise NotASessionError("a day appears twice")
        rows = [{"session": day, **bar.model_dump(exclude={"date"})} for day, bar in sorted(bars.items())]
        await self._store(rows, min(bars), max(bars), checked=True)
        first, last, count = await self._market_days.extent()
        return MarketDaysReply.model_validate({"stored": len(bars), "first": first, "last": last, "sessions": count})

    async def add(self, history: MarketHistory) -> None:
        """Insert or replace the bars of a history."""
        await self._store(bars_of(history), as_date(history.sessions[0]), as_date(history.sessions[-1]))

    async def _store(self, rows: Sequence[dict[str, Any]], first: date, last: date, *, checked: bool = False) -> None:
        before = await self._market_days.history() if checked else None
        await self._market_days.upsert(rows)
        history = await self._market_days.history()
        if checked and history is not None and (faults := implausible(history, before)):
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            raise ImplausibleBarsError(f"{faults[0].reason}{more}")
        spec = await ModelRepository(self._session).champion_spec() or CondorSpec()
        judge = OutcomeJudge(OutcomeRepository(self._session), history, spec)
        await judge.judge_since(first, last)
        await notify(self._session, Topic.MARKET_DAYS)
