"""Features of implied volatility: VIX at entry and its recent past."""

from __future__ import annotations

import numpy as np

from kronos.features.entries import WINDOW_MAX_SESSIONS, Entries
from kronos.features.registry import feature
from kronos.market.history import Floats


@feature(unit="points", lookback_sessions=0, encoding="log", variant="minimal")
def vix(entries: Entries) -> Floats:
    """VIX at entry."""
    return entries.vix


@feature(unit="% of the price", lookback_sessions=0, variant="minimal")
def expected_move_pct(entries: Entries) -> Floats:
    """Expected move from entry to settlement."""
    return 100 * entries.expected_move / entries.price


@feature(unit="%", lookback_sessions=WINDOW_MAX_SESSIONS, variant="market")
def vix_percentile_30d(entries: Entries) -> Floats:
    """Share of the VIX closes of the last 30 calendar days that lie below VIX at entry, ties half."""
    window, inside = entries.month
    closes, level = entries.history.vix_close[window], entries.vix[:, None]
    below = np.where(inside, (closes < level) + 0.5 * (closes == level), 0.0).sum(axis=1)
    return np.where(entries.month_is_complete, 100 * below / np.maximum(inside.sum(axis=1), 1), np.nan)


@feature(unit="%", lookback_sessions=2, variant="market")
def vix_change_1d(entries: Entries) -> Floats:
    """Change of VIX on the last known day."""
    return entries.change_pct(entries.history.vix_close)
