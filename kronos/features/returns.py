"""Features of SPX closes."""

from __future__ import annotations

import math

import numpy as np

from kronos.features.entries import Entries
from kronos.features.registry import feature
from kronos.market.history import Floats


@feature(unit="%", lookback_sessions=2, variant="market")
def price_change_1d(entries: Entries) -> Floats:
    """Change of SPX on the last known day."""
    return entries.change_pct(entries.history.spx_close)


@feature(
    unit="standard deviations",
    lookback_sessions=6,
)
def return_5(entries: Entries) -> Floats:
    """Log return of the last 5 sessions, in the standard deviations that VIX implies."""
    closes = entries.last_known(entries.history.spx_close, 6)
    return np.asarray(np.log(closes[:, 0] / closes[:, 5]) / (entries.implied_daily * math.sqrt(5)))


@feature(
    unit="daily standard deviations",
    lookback_sessions=66,
)
def drawdown_66(entries: Entries) -> Floats:
    """Log of the last close over the highest of the last 66 closes."""
    closes = entries.last_known(entries.history.spx_close, 66)
    return np.asarray(np.log(closes[:, 0] / closes.max(axis=1)) / entries.implied_daily)
