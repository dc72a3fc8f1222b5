"""Features of SPX closes, and of the price at entry."""

from __future__ import annotations

import math

import numpy as np

from kronos.features.entries import Entries
from kronos.features.registry import feature
from kronos.market.history import Floats

LARGEST_GAP = 3.0


@feature(unit="%", lookback_sessions=2, variants=("market",))
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


@feature(unit="daily standard deviations", lookback_sessions=2)
def return_1(entries: Entries) -> Floats:
    """Log return of the last known session, in the standard deviations that VIX implies."""
    return _return(entries, 1)


@feature(unit="daily standard deviations", lookback_sessions=2)
def absolute_return_1(entries: Entries) -> Floats:
    """Size of the last known session's return, in the standard deviations that VIX implies."""
    return np.abs(_return(entries, 1))


@feature(unit="standard deviations", lookback_sessions=23)
def return_22(entries: Entries) -> Floats:
    """Log return of the last 22 sessions, in the standard deviations that VIX implies."""
    return _return(entries, 22)


@feature(unit="daily standard deviations", lookback_sessions=1)
def gap_up(entries: Entries) -> Floats:
    """Rise from the last close to the price at entry, in the standard deviations that VIX implies, at most 3."""
    return np.clip(_gap(entries), 0, LARGEST_GAP)


@feature(unit="daily standard deviations", lookback_sessions=1)
def gap_down(entries: Entries) -> Floats:
    """Fall from the last close to the price at entry, in the standard deviations that VIX implies, at most 3."""
    return np.clip(-_gap(entries), 0, LARGEST_GAP)


def _return(entries: Entries, sessions: int) -> Floats:
    closes = entries.history.spx_close
    change = np.log(entries.before_entry(closes) / entries.before_entry(closes, sessions))
    return np.asarray(change / (entries.implied_daily * math.sqrt(sessions)))


def _gap(entries: Entries) -> Floats:
    return np.asarray(np.log(entries.price / entries.before_entry(entries.history.spx_close)) / entries.implied_daily)
