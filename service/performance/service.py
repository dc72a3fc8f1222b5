"""Measures performance over a window of sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

from ares_client.contract import Performance
from kronos.condor.spec import CondorSpec
from kronos.market.clock import Clock
from kronos.market.sessions import NEW_YORK
from kronos.model.loss_shape import EVEN
from service.db.engine import Sessions, transaction
from service.errors import InvalidRequestError
from service.performance import figures
from service.performance.observations import sort_trades
from service.performance.repository import PerformanceRepository, SessionAdvice, TradeRecord
from service.replica.bars import BarsHolder
from service.replica.model import ModelHolder

DEFAULT_WINDOW_DAYS = 365
LONGEST_WINDOW_DAYS = 3_660
MAX_ROWS = 20_000


class PerformanceService:
    """Measures how the advice did. It reads in one short transaction, then computes; one window at a time.

    Otherwise a few wide windows would take connections and CPU time away from advice and outcomes.
    """

    def __init__(self, sessions: Sessions, market: BarsHolder, models: ModelHolder, clock: Clock) -> None:
        self._sessions = sessions
        self._market = market
        self._models = models
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def measure(self, bot: str | None = None, start: date | None = None, end: date | None = None) -> Performance:
        """Measure one bot, or all, over the sessions from `start` to `end`; by default the 365 days up to today.

        Raises
        ------
        InvalidRequestError
            If the window ends before it starts, is too long, or holds too many rows.
        """
        first, last = self._window(start, end)
        async with self._one_at_a_time:
            return await self._measure(bot, first, last)

    async def _measure(self, bot: str | None, first: date, last: date) -> Performance:
        async with transaction(self._sessions) as session:
            performance = PerformanceRepository(session)
            trades = await performance.trades(bot, first, last, MAX_ROWS + 1)
            advised = await performance.advised(bot, first, last, MAX_ROWS + 1)
        if max(len(trades), len(advised)) > MAX_ROWS:
            raise InvalidRequestError(
                f"the window holds more than {MAX_ROWS} trades or advised sessions; choose a shorter one"
            )
        return await asyncio.to_thread(self._figures, bot, first, last, trades, advised)

    def _window(self, start: date | None, end: date | None) -> tuple[date, date]:
        last = end or self._clock().astimezone(NEW_YORK).date()
        first = start or date.fromordinal(max(last.toordinal() - DEFAULT_WINDOW_DAYS, 1))
        if first > last:
            raise InvalidRequestError("the window ends before it starts")
        if (last - first).days > LONGEST_WINDOW_DAYS:
            raise InvalidRequestError(f"a window is at most {LONGEST_WINDOW_DAYS} days long")
        return first, last

    def _figures(
        self, bot: str | None, first: date, last: date, trades: Sequence[TradeRecord], advised: Sequence[SessionAdvice]
    ) -> Performance:
        served = self._models.served
        spec = served.model.spec if served else CondorSpec()
        history = self._market.history
        found = sort_trades(trades, spec, served.model.loss_shape if served else EVEN)
        return Performance(
            bot=bot,
            start=first,
            end=last,
            champion=served.version if served else None,
            advised=figures.advised_sessions(advised, spec),
            reported=figures.reported_money(trades),
            left_out=found.left_out,
            calibration=figures.calibration(found.observations, history, spec),
            by_advice=figures.by_advice(found, advised, spec),
            skipped=figures.skipped_sessions(advised, trades, history, spec),
            drift=figures.drift(advised, served.model) if served else [],
        )
