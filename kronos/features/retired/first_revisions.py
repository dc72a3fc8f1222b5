"""Features of models trained before labels took the implied open: ranges over fixed windows, and holidays ahead."""

from __future__ import annotations

import numpy as np

from kronos.features.entries import Entries
from kronos.features.registry import feature
from kronos.market.history import Floats
from kronos.market.sessions import exchange_sessions


@feature(unit="log ratio", lookback_sessions=5, variants=())
def realised_5_over_implied(entries: Entries) -> Floats:
    """Realised volatility of the last 5 sessions, relative to VIX."""
    return _parkinson_over_implied(entries, 5)


@feature(unit="log ratio", lookback_sessions=22, variants=())
def realised_22_over_implied(entries: Entries) -> Floats:
    """Realised volatility of the last 22 sessions, relative to VIX."""
    return _parkinson_over_implied(entries, 22)


@feature(unit="log ratio", lookback_sessions=6, variants=())
def range_5_over_implied(entries: Entries) -> Floats:
    """Mean daily range of the last 5 sessions, relative to the moves that VIX implied."""
    return _range_over_implied(entries, 5)


@feature(unit="log ratio", lookback_sessions=23, variants=())
def range_22_over_implied(entries: Entries) -> Floats:
    """Mean daily range of the last 22 sessions, relative to the moves that VIX implied."""
    return _range_over_implied(entries, 22)


@feature(unit="days", lookback_sessions=0, variants=())
def holidays_ahead(entries: Entries) -> Floats:
    """Weekdays without a session between entry and settlement."""
    calendar, ahead = exchange_sessions().days, entries.spec.dte_sessions
    entered = np.searchsorted(calendar, entries.days)
    settled = calendar[np.minimum(entered + ahead, len(calendar) - 1)]
    return (np.busday_count(entries.days, settled) - ahead).astype(np.float64)


def _parkinson_over_implied(entries: Entries, sessions: int) -> Floats:
    """Log ratio of Parkinson's (1980) volatility, sqrt(mean(log(high / low)^2) / (4 log 2)), to the one implied."""
    ranges = entries.last_known(entries.log_ranges, sessions)
    parkinson = np.sqrt((ranges**2).mean(axis=1) / (4 * np.log(2)))
    return np.asarray(np.log(parkinson / entries.implied_daily))


def _range_over_implied(entries: Entries, sessions: int) -> Floats:
    """Log of the mean of daily log ranges, each divided by the daily move that VIX implied at the previous close."""
    return np.asarray(np.log(entries.last_known(entries.log_ranges / entries.implied_before, sessions).mean(axis=1)))
