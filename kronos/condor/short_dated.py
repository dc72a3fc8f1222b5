"""The market's volatility for the next days at each entry, as far as bars tell it.

VIX speaks of 30 days. VIX1D and VIX9D speak of the days that a short trade lives; where neither is known, the ratio of
VIX9D to VIX is estimated from VIX against its own month and from what SPX moved in it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kronos.condor.entry import entry_vix
from kronos.condor.spec import CondorSpec, Entry
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import SESSIONS_PER_YEAR

MONTH_SESSIONS: Final = 22
VIX9D_OVER_VIX: Final[dict[Entry, tuple[float, float, float]]] = {
    "open": (-0.007, 0.392, 0.097),
    "close": (-0.013, 0.451, 0.103),
}
"""log(VIX9D / VIX) = a + b log(VIX / a month's mean) + c log(the month's volatility / VIX), fitted on 2011-2018."""
VIX1D_SHARE: Final[dict[Entry, float]] = {"open": 0.63, "close": 0.82}
"""A trade of one session breaks even, before costs, at VIX9D times this; VIX1D is the volatility of its day itself."""
LONGEST_OF_VIX9D: Final = 6
LONGEST_OF_VIX1D: Final = 1
SESSIONS_OF_VIX: Final = 21
SMALLEST_VOLATILITY: Final = 1.0


def short_dated_index(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(n,) index points in the terms of VIX9D; of VIX for trades of a month, and in between for lives in between."""
    vix = entry_vix(history, spec)
    ours = _of_the_next_days(history, spec, vix)
    share = np.interp(spec.horizon_sessions, [LONGEST_OF_VIX9D, SESSIONS_OF_VIX], [1.0, 0.0])
    return np.asarray(vix ** (1 - share) * ours**share)


def _of_the_next_days(history: MarketHistory, spec: CondorSpec, vix: Floats) -> Floats:
    vix9d = index_at_entry(history, spec, "vix9d")
    found = np.where(np.isnan(vix9d), vix * _estimated_ratio(history, spec, vix), vix9d)
    if spec.horizon_sessions > LONGEST_OF_VIX1D:
        return found
    vix1d = index_at_entry(history, spec, "vix1d") / VIX1D_SHARE[spec.entry]
    return np.where(np.isnan(vix1d), found, vix1d)


def index_at_entry(history: MarketHistory, spec: CondorSpec, name: str) -> Floats:
    """(n,) a volatility index other than VIX at entry: at the open its open, else the close before; NaN if absent."""
    close = history.bars[f"{name}_close"]
    if spec.entry == "close":
        return close
    opened = history.bars[f"{name}_open"]
    return np.where(np.isnan(opened), _before(close), opened)


def _estimated_ratio(history: MarketHistory, spec: CondorSpec, vix: Floats) -> Floats:
    """(n,) VIX9D over VIX by the fit; 1 where the month before is not known."""
    constant, by_level, by_moves = VIX9D_OVER_VIX[spec.entry]
    level, moves = ratio_terms(history, spec, vix)
    ratio = np.exp(constant + by_level * level + by_moves * moves)
    return np.where(np.isnan(ratio), 1.0, ratio)


def ratio_terms(history: MarketHistory, spec: CondorSpec, vix: Floats) -> tuple[Floats, Floats]:
    """(n,) log of VIX over its mean of a month, and (n,) log of the month's volatility over VIX; NaN if not known."""
    moves = np.diff(np.log(history.spx_close), prepend=np.nan)
    realised = 100 * np.sqrt(SESSIONS_PER_YEAR * _month_mean(moves**2))
    usual = _month_mean(history.vix_close)
    if spec.entry == "open":
        realised, usual = _before(realised), _before(usual)
    return np.log(vix / usual), np.log(np.maximum(realised, SMALLEST_VOLATILITY) / vix)


def _month_mean(values: Floats) -> Floats:
    """(n,) mean of the known values of the month that ends with each session; NaN where half of them are missing."""
    known = ~np.isnan(values)
    sums = np.concatenate([np.zeros(MONTH_SESSIONS), np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([np.zeros(MONTH_SESSIONS), np.cumsum(known)])
    total, count = sums[MONTH_SESSIONS:] - sums[:-MONTH_SESSIONS], counts[MONTH_SESSIONS:] - counts[:-MONTH_SESSIONS]
    return np.where(count > MONTH_SESSIONS / 2, total / np.maximum(count, 1), np.nan)


def _before(column: Floats) -> Floats:
    return np.concatenate([[np.nan], column[:-1]])
