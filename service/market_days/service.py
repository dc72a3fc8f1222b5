"""Daily bars: checked against the exchange's sessions, then stored."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from ares_client.contract import MarketDays, MarketDaysReply
from kronos.fetch import last_settled_session
from kronos.sessions import exchange_sessions
from service.clock import Clock
from service.errors import NotASessionError
from service.market_days.repository import MarketDayRepository
from service.notifications import Topic, notify
from service.outcomes.settled import Judge


class MarketDayService:
    """Stores bars and says what is held."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._market_days = MarketDayRepository(session)

    async def put(self, request: MarketDays) -> MarketDaysReply:
        """Insert or replace bars, all or none.

        Raises
        ------
        NotASessionError
            Where a day is no exchange session, has not settled, or is named twice.
        """
        sessions = exchange_sessions()
        bars = {day.date: day for day in request.days}
        strangers = sorted(day for day in bars if day not in sessions)
        if strangers:
            raise NotASessionError(f"{len(strangers)} of the days are not exchange sessions, {strangers[0]} first")
        settled = last_settled_session(self._clock())
        if max(bars) > settled:
            raise NotASessionError(f"bars are taken of sessions that have settled, which now are those to {settled}")
        if len(bars) < len(request.days):
            raise NotASessionError("a day is named twice")
        await self._market_days.upsert(
            [{"session": day, **bar.model_dump(exclude={"date"})} for day, bar in sorted(bars.items())]
        )
        await Judge(self._session).judge_since(min(bars), max(bars))
        await notify(self._session, Topic.MARKET_DAYS)
        first, last, count = await self._market_days.extent()
        return MarketDaysReply.model_validate({"stored": len(bars), "first": first, "last": last, "sessions": count})
