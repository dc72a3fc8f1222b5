"""The win rates of the last 252 sessions, as the stored bars tell them, computed once a session and set of bars."""

from __future__ import annotations

from datetime import date

import numpy as np

from kronos.condor.spec import CondorSpec
from kronos.market.history import Floats, MarketHistory
from kronos.statistics.recent import market_recent_rates


class RecentRates:
    """Remembers the last answer: within a session, every bot asks for the same one."""

    def __init__(self) -> None:
        self._history: MarketHistory | None = None
        self._asked: tuple[CondorSpec, date, bytes] | None = None
        self._rates: Floats = np.empty(0)

    def before(self, session: date, history: MarketHistory | None, spec: CondorSpec, multipliers: Floats) -> Floats:
        """(k,) rates at each multiplier before the session, with training's own gap; NaN where bars are few."""
        asked = (spec, session, multipliers.tobytes())
        if history is not self._history or asked != self._asked:
            moments = np.full(len(multipliers), np.datetime64(session, "D"))
            self._rates = market_recent_rates(history, spec, moments, multipliers, multipliers, spec.horizon_sessions)
            self._history, self._asked = history, asked
        return self._rates
