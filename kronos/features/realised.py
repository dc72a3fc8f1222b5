"""Features of realised volatility, each as a log ratio to what VIX implies.

They are computed from ranges, since the published opens of SPX are stale in many years.
"""

from __future__ import annotations

import numpy as np

from kronos.features.entries import Entries
from kronos.features.registry import feature
from kronos.market.history import Floats

SMALLEST_RATIO = 1e-2
"""Below this a ratio of realised to implied is an error of the data, and its log would drown the others."""
OPEN_IS_EXTREME = 1e-6


@feature(unit="log ratio", lookback_sessions=30)
def realised_ew3_over_implied(entries: Entries) -> Floats:
    """Realised volatility, relative to VIX, with a half-life of 3 sessions."""
    return _weighted_parkinson_over_implied(entries, 3, 30)


@feature(unit="log ratio", lookback_sessions=80)
def realised_ew10_over_implied(entries: Entries) -> Floats:
    """Realised volatility, relative to VIX, with a half-life of 10 sessions."""
    return _weighted_parkinson_over_implied(entries, 10, 80)


@feature(unit="log ratio", lookback_sessions=252)
def realised_ew40_over_implied(entries: Entries) -> Floats:
    """Realised volatility, relative to VIX, with a half-life of 40 sessions."""
    return _weighted_parkinson_over_implied(entries, 40, 252)


@feature(unit="log ratio", lookback_sessions=6)
def move_5_over_implied(entries: Entries) -> Floats:
    """Typical move to the close of the last 5 sessions, relative to what VIX implied."""
    return _move_over_implied(entries, 5)


@feature(unit="log ratio", lookback_sessions=23)
def move_22_over_implied(entries: Entries) -> Floats:
    """Typical move to the close of the last 22 sessions, relative to what VIX implied."""
    return _move_over_implied(entries, 22)


@feature(unit="log ratio", lookback_sessions=67)
def move_66_over_implied(entries: Entries) -> Floats:
    """Typical move to the close of the last 66 sessions, relative to what VIX implied."""
    return _move_over_implied(entries, 66)


@feature(unit="log ratio", lookback_sessions=253)
def move_252_over_implied(entries: Entries) -> Floats:
    """Typical move to the close of the last 252 sessions, relative to what VIX implied."""
    return _move_over_implied(entries, 252)


def _weighted_parkinson_over_implied(entries: Entries, half_life: float, sessions: int) -> Floats:
    """Log ratio of Parkinson's (1980) volatility, sqrt(mean(log(high / low)^2) / (4 log 2)), to VIX's daily volatility.

    The mean weighs a session half as much as one that is a half-life newer.
    """
    weights = 0.5 ** (np.arange(sessions) / half_life)
    mean = entries.mean_of_known(entries.log_ranges**2, sessions, weights)
    return np.asarray(np.log(np.sqrt(mean / (4 * np.log(2))) / entries.implied_daily))


def _move_over_implied(entries: Entries, sessions: int) -> Floats:
    """Log of the root mean square of log(high / close) and log(close / low), over the move that VIX implied before.

    By the reflection principle, both have the law of |move from open to close| for a random walk, and neither needs the
    open. An extreme that the printed open set itself is left out, since a stale print lies outside the day's range.
    """
    history, implied = entries.history, entries.implied_before
    opened, high, low, close = history.spx_open, history.spx_high, history.spx_low, history.spx_close
    up = np.where(opened < high * (1 - OPEN_IS_EXTREME), np.log(high / close), np.nan)
    down = np.where(opened > low * (1 + OPEN_IS_EXTREME), np.log(close / low), np.nan)
    known = np.isfinite(up) * 1.0 + np.isfinite(down)
    squares = np.nan_to_num(up) ** 2 + np.nan_to_num(down) ** 2
    bar = ~np.isnan(high + low + close + implied)
    total = entries.mean_of_known(np.where(bar, squares / implied**2, np.nan), sessions)
    count = entries.mean_of_known(np.where(bar, known, np.nan), sessions)
    return np.asarray(np.log(np.maximum(np.sqrt(total / count), SMALLEST_RATIO)))
