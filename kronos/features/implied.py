"""Features of implied volatility: VIX at entry and its recent past."""

from __future__ import annotations

import numpy as np

from kronos.features.entries import WINDOW_MAX_SESSIONS, Entries
from kronos.features.registry import feature
from kronos.market.history import Floats

SMALLEST_CHANGE = 1e-3
"""Below this a flat VIX is an error of the data, and the log would drown the others."""


@feature(unit="points", lookback_sessions=0, encoding="log", variants=("minimal", "market", "full"))
def vix(entries: Entries) -> Floats:
    """VIX at entry."""
    return entries.vix


@feature(unit="% of the price", lookback_sessions=0, variants=("minimal", "market"))
def expected_move_pct(entries: Entries) -> Floats:
    """Expected move from entry to settlement."""
    return 100 * entries.expected_move / entries.price


@feature(unit="%", lookback_sessions=WINDOW_MAX_SESSIONS, variants=("market",))
def vix_percentile_30d(entries: Entries) -> Floats:
    """Share of the VIX closes of the last 30 calendar days that lie below VIX at entry, ties half."""
    window, inside = entries.month
    closes, level = entries.history.vix_close[window], entries.vix[:, None]
    below = np.where(inside, (closes < level) + 0.5 * (closes == level), 0.0).sum(axis=1)
    return np.where(entries.month_is_complete, 100 * below / np.maximum(inside.sum(axis=1), 1), np.nan)


@feature(unit="%", lookback_sessions=2, variants=("market", "full"))
def vix_change_1d(entries: Entries) -> Floats:
    """Change of VIX on the last known day."""
    return entries.change_pct(entries.history.vix_close)


@feature(unit="log ratio", lookback_sessions=1)
def vix_gap(entries: Entries) -> Floats:
    """VIX at entry over its last known close."""
    return np.asarray(np.log(entries.vix / entries.before_entry(entries.history.vix_close)))


@feature(unit="log ratio", lookback_sessions=252)
def vix_over_252(entries: Entries) -> Floats:
    """VIX at entry over its geometric mean of 252 closes."""
    return np.asarray(np.log(entries.vix) - entries.mean_of_known(np.log(entries.history.vix_close), 252))


@feature(unit="log", lookback_sessions=23)
def vix_volatility_22(entries: Entries) -> Floats:
    """Root mean square of VIX's last 22 daily log changes."""
    closes = entries.history.vix_close
    changes = np.concatenate([[np.nan], np.diff(np.log(closes))])
    return np.asarray(np.log(np.maximum(np.sqrt(entries.mean_of_known(changes**2, 22)), SMALLEST_CHANGE)))
