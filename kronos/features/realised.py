"""Features of realised volatility, each as a log ratio to what VIX implies."""

from __future__ import annotations

import math

import numpy as np

from kronos.features.entries import Entries
from kronos.features.registry import feature
from kronos.market.history import Floats
from kronos.market.sessions import SESSIONS_PER_YEAR


@feature(unit="log ratio", lookback_sessions=5)
def realised_5_over_implied(entries: Entries) -> Floats:
    """Realised volatility of the last 5 sessions, relative to VIX."""
    return _parkinson_over_implied(entries, 5)


@feature(unit="log ratio", lookback_sessions=22)
def realised_22_over_implied(entries: Entries) -> Floats:
    """Realised volatility of the last 22 sessions, relative to VIX."""
    return _parkinson_over_implied(entries, 22)


@feature(unit="log ratio", lookback_sessions=6)
def range_5_over_implied(entries: Entries) -> Floats:
    """Mean daily range of the last 5 sessions, relative to the moves that VIX implied."""
    return _range_over_implied(entries, 5)


@feature(unit="log ratio", lookback_sessions=23)
def range_22_over_implied(entries: Entries) -> Floats:
    """Mean daily range of the last 22 sessions, relative to the moves that VIX implied."""
    return _range_over_implied(entries, 22)


def _parkinson_over_implied(entries: Entries, sessions: int) -> Floats:
    """Log ratio of Parkinson's (1980) volatility, sqrt(mean(log(high / low)^2) / (4 log 2)), to VIX's daily volatility.

    It is computed from ranges because the published opens of SPX are stale in many years.
    """
    ranges = entries.last_known(entries.log_ranges, sessions)
    parkinson = np.sqrt((ranges**2).mean(axis=1) / (4 * np.log(2)))
    return np.asarray(np.log(parkinson / entries.implied_daily))


def _range_over_implied(entries: Entries, sessions: int) -> Floats:
    """Log of the mean of daily log ranges, each divided by the daily move that VIX implied at the previous close."""
    implied_before = np.concatenate([[np.nan], entries.history.vix_close[:-1]]) / 100 / math.sqrt(SESSIONS_PER_YEAR)
    return np.asarray(np.log(entries.last_known(entries.log_ranges / implied_before, sessions).mean(axis=1)))
