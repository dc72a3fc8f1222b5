"""Features that need only the calendar."""

from __future__ import annotations

import numpy as np

from kronos.features.entries import Entries
from kronos.features.registry import feature
from kronos.market.history import Floats
from kronos.market.sessions import exchange_sessions

EPOCH_WEEKDAY = 3
"""1970-01-01, day 0 of NumPy's calendar, was a Thursday."""


@feature(unit="0 Monday to 4 Friday", lookback_sessions=0, encoding="weekday", variant="minimal")
def day_of_week(entries: Entries) -> Floats:
    """Day of the week in New York."""
    return ((entries.days.astype(np.int64) + EPOCH_WEEKDAY) % 7).astype(np.float64)


@feature(unit="days", lookback_sessions=0)
def holidays_ahead(entries: Entries) -> Floats:
    """Weekdays without a session between entry and settlement."""
    calendar, ahead = exchange_sessions().days, entries.spec.dte_sessions
    entered = np.searchsorted(calendar, entries.days)
    settled = calendar[np.minimum(entered + ahead, len(calendar) - 1)]
    return (np.busday_count(entries.days, settled) - ahead).astype(np.float64)
