"""Daily bars: checked against the exchange's sessions, then stored."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from ares_client.contract import MarketDays, MarketDaysReply
from kronos.sessions import exchange_sessions
from service.errors import NotASessionError
from service.market_days.repository import MarketDayRepository
from service.notifications import Topic, notify


class MarketDayService:
    """Stores bars and says what is held."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._market_days = MarketDayRepository(session)

    async def put(self, request: MarketDays) -> MarketDaysReply:
        """Insert or replace bars, all or none.

        Raises
        ------
        NotASessionError
            Where a day is no exchange session, or named twice.
        """
        sessions = exchange_sessions()
        bars = {day.date: day for day in request.days}
        strangers = sorted(day for day in bars if day not in sessions)
        if strangers:
            raise NotASessionError(f"{len(strangers)} of the days are not exchange sessions, {strangers[0]} first")
        if len(bars) < len(request.days):
            raise NotASessionError("a day is named twice")
        await self._market_days.upsert(
            [{"session": day, **bar.model_dump(exclude={"date"})} for day, bar in sorted(bars.items())]
        )
        await notify(self._session, Topic.MARKET_DAYS)
        first, last, count = await self._market_days.extent()
        return MarketDaysReply.model_validate({"stored": len(bars), "first": first, "last": last, "sessions": count})
