"""When a condor is settled, and at what prices."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from kronos.condor.contradiction import NO_BAR, SessionBar
from kronos.condor.entry import entry_price, entry_vix
from kronos.condor.spec import CondorSpec
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import Days, exchange_sessions

OPENS_AT_MINUTE, CLOSES_AT_MINUTE, HALF_DAY_CLOSES_AT_MINUTE = 9 * 60 + 30, 16 * 60, 13 * 60


def settlement_price(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(n,) the close that settles the trade entered on each session; NaN where it is not known yet."""
    settled = np.full(len(history), np.nan)
    alive = len(history) - spec.dte_sessions
    if alive > 0:
        settled[:alive] = history.spx_close[spec.dte_sessions :]
    return settled


def settles_at_minute(days: Days) -> npt.NDArray[np.int64]:
    """When options that expire on these sessions settle, in minutes after midnight in New York, in the shape of `days`.

    That is 16:00, or 13:00 on half days. A daily bar's close is the price at that moment.
    """
    half_days = np.array(sorted(exchange_sessions().half_days), dtype="datetime64[D]")
    return np.where(np.isin(days, half_days), HALF_DAY_CLOSES_AT_MINUTE, CLOSES_AT_MINUTE)


def price_range_in_trade(history: MarketHistory, spec: CondorSpec) -> tuple[Floats, Floats]:
    """(n,) lowest and (n,) highest SPX from entry through settlement; NaN where it is not known yet."""
    lows, highs = session_ranges(history, spec)
    low, high = np.full(len(history), np.inf), np.full(len(history), -np.inf)
    for ahead in range(spec.first_session_ahead, spec.dte_sessions + 1):
        low = np.minimum(low, _shifted(lows, ahead))
        high = np.maximum(high, _shifted(highs, ahead))
    return low, high


def session_ranges(history: MarketHistory, spec: CondorSpec) -> tuple[Floats, Floats]:
    """(n,) lowest and (n,) highest SPX of each session.

    The index's own range also holds its first print, however stale. SPY's does not, but may hold misprints. So where
    both are known, what lies in both is taken.
    """
    if spec.label == "printed_open":
        return history.spx_low, history.spx_high
    spx_for_spy = history.spx_close / history.bars["spy_close"]
    low, high = (history.bars[f"spy_{side}"] * spx_for_spy for side in ("low", "high"))
    return np.fmax(low, history.spx_low), np.fmin(high, history.spx_high)


def _shifted(values: Floats, ahead: int) -> Floats:
    """(n,) the values `ahead` sessions later; NaN past the end."""
    return np.concatenate([values[ahead:], np.full(min(ahead, len(values)), np.nan)])


class SessionBars:
    """The market's figures for each session, looked up by date."""

    def __init__(self, history: MarketHistory | None, spec: CondorSpec) -> None:
        self._history = history
        if history is not None:
            self._price, self._vix = entry_price(history, spec), entry_vix(history, spec)
            self._settlement = settlement_price(history, spec)

    def get(self, session: date) -> SessionBar:
        """The session's figures, as far as they are known."""
        if self._history is None:
            return NO_BAR
        day = np.datetime64(session, "D")
        at = int(np.searchsorted(self._history.sessions, day))
        if at == len(self._history) or self._history.sessions[at] != day:
            return NO_BAR
        return SessionBar(*(_or_none(column[at]) for column in (self._price, self._vix, self._settlement)))


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
