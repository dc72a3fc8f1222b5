"""The prices at entry: SPX as labels and money take it, SPX as features see it, and VIX.

The index's first print repeats stale prices of its components, so that in many years the "open" is mostly the previous
close. A bot trades at the market's price, and SPY's open tells it. `docs/decisions/0013-the-price-at-the-open.md`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from kronos.condor.spec import CondorSpec
from kronos.market.history import Flags, Floats, MarketHistory
from kronos.market.sessions import SESSIONS_PER_YEAR

WINDOW_SESSIONS: Final = SESSIONS_PER_YEAR
FEWEST_KNOWN: Final = 20
WEEK_SESSIONS: Final = 5
LARGEST_VIX_GAP: Final = 2.0
"""Public files hold slips; no true open of VIX since 1992 was twice or half the close before."""
SMALLEST_GAP_DEVIATION: Final = 0.20
"""Prints lag where their gaps vary less than this, in expected moves; SPY's vary by 0.3 to 0.6."""
LARGEST_DISAGREEMENT: Final = 0.10
"""SPY's close tells SPX's at the close where its two ratios differ by less than this on average, in expected moves."""


class PriceSource(IntEnum):
    """Where the price at entry of a session comes from, or why the session is left out."""

    SPX_CLOSE = 0
    SPY_IMPLIED = 1
    SPY_IMPLIED_LATE = 2
    SPX_PRINT = 3
    GIVEN = 4
    LAGGING_PRINT = 5
    NO_PRICE = 6

    @property
    def is_left_out(self) -> bool:
        """Whether sessions with this source are neither labelled nor traded."""
        return self >= PriceSource.LAGGING_PRINT

    @property
    def meaning(self) -> str:
        """A few words for tables."""
        return MEANINGS[self]


MEANINGS: Final[Mapping[PriceSource, str]] = {
    PriceSource.SPX_CLOSE: "SPX's close",
    PriceSource.SPY_IMPLIED: "the open that SPY implies",
    PriceSource.SPY_IMPLIED_LATE: "the open that SPY implies, in years when SPY closed after SPX",
    PriceSource.SPX_PRINT: "SPX's printed open",
    PriceSource.GIVEN: "the price given with a quote or a report",
    PriceSource.LAGGING_PRINT: "left out, since SPX's printed open lags and there is no bar of SPY",
    PriceSource.NO_PRICE: "left out, since a bar is missing",
}
SourceCodes = npt.NDArray[np.int32]


def entry_price(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(n,) SPX at each session's entry, in index points, for labels and money; never for features.

    At the open it is the close scaled by SPY's own move of the day, where the session has SPY bars; else SPX's open.
    """
    if spec.entry == "close":
        return history.spx_close
    if spec.label == "printed_open":
        return history.spx_open
    implied = history.spx_close * history.bars["spy_open"] / history.bars["spy_close"]
    return np.where(np.isnan(implied), history.spx_open, implied)


def known_price(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(n,) SPX as a bot sees it at each session's entry, in index points. Nothing after entry is read.

    At the open it is SPY's open times the last ratio of closes, unknown where a week has none. Without SPY's open it is
    SPX's.
    """
    if spec.entry == "close" or spec.label == "printed_open":
        return entry_price(history, spec)
    implied = history.bars["spy_open"] * _last_known(_previous(history.spx_close / history.bars["spy_close"]))
    return np.where(np.isnan(history.bars["spy_open"]), history.spx_open, implied)


def entry_vix(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(n,) VIX at each session's entry. At the open: its open if that makes sense, else the previous close."""
    if spec.entry == "close":
        return history.vix_close
    before, opened = _previous(history.vix_close), history.vix_open
    if spec.label == "printed_open":
        return np.where(np.isnan(opened), before, opened)
    misprinted = (opened > LARGEST_VIX_GAP * before) | (opened < before / LARGEST_VIX_GAP)
    return np.where(np.isnan(opened) | misprinted, before, opened)


@dataclass(frozen=True, slots=True)
class PriceTally:
    """How many sessions took their price at entry from where.

    Attributes
    ----------
    sessions : by source, for those that occur
    """

    sessions: Mapping[PriceSource, int]

    @classmethod
    def of(cls, sources: SourceCodes) -> PriceTally:
        """Count (n,) values of `PriceSource`."""
        return cls({source: int((sources == source).sum()) for source in PriceSource if (sources == source).any()})

    @property
    def left_out(self) -> int:
        """Sessions without a price that a bot could have traded at."""
        return sum(count for source, count in self.sessions.items() if source.is_left_out)

    def as_dict(self) -> dict[str, int]:
        """Plain values, for JSON: every source, in use or not, and `left_out`."""
        used = {source.name.lower(): self.sessions.get(source, 0) for source in PriceSource if not source.is_left_out}
        return used | {"left_out": self.left_out}

    def __str__(self) -> str:
        return "; ".join(f"{source.meaning}: {count:,}" for source, count in self.sessions.items())


def price_sources(history: MarketHistory, spec: CondorSpec) -> SourceCodes:
    """(n,) where the price at entry of each session comes from, as values of `PriceSource`.

    A printed open is used where, over the year that ends with the session, gaps vary as much as those of true opens do.
    At the beginning of a history, its first year decides.
    """
    price = entry_price(history, spec)
    if spec.entry == "close":
        return np.where(np.isnan(price), PriceSource.NO_PRICE, PriceSource.SPX_CLOSE).astype(np.int32)
    implied = ~np.isnan(history.bars["spy_open"] + history.bars["spy_close"] + history.spx_close)
    if spec.label == "printed_open":
        implied = np.zeros(len(history), dtype=bool)
    return np.select(
        [np.isnan(price), implied & _closes_late(history), implied, prints_lag(history)],
        [PriceSource.NO_PRICE, PriceSource.SPY_IMPLIED_LATE, PriceSource.SPY_IMPLIED, PriceSource.LAGGING_PRINT],
        PriceSource.SPX_PRINT,
    ).astype(np.int32)


def prints_lag(history: MarketHistory) -> Flags:
    """(n,) whether SPX's printed opens lag in the year that ends with each session; no, where too few are known."""
    gap = (history.spx_open / _previous(history.spx_close) - 1) / _daily_move(history)
    variance = _rolling_mean(gap**2) - _rolling_mean(gap) ** 2
    return np.asarray(variance < SMALLEST_GAP_DEVIATION**2)


def _closes_late(history: MarketHistory) -> Flags:
    """(n,) whether SPX's open by the ratio of the same day's closes and by that of the previous ones differ widely."""
    spec = CondorSpec()
    apart = np.abs(entry_price(history, spec) / known_price(history, spec) - 1) / _daily_move(history)
    known = ~np.isnan(history.bars["spy_open"] + history.bars["spy_close"])
    return np.asarray(_rolling_mean(np.where(known, apart, np.nan)) > LARGEST_DISAGREEMENT)


def _daily_move(history: MarketHistory) -> Floats:
    """(n,) one session's standard deviation as VIX implied it at the previous close, as a fraction."""
    return np.asarray(_previous(history.vix_close) / 100 / math.sqrt(SESSIONS_PER_YEAR))


def _rolling_mean(values: Floats) -> Floats:
    """(n,) mean of known values over the year that ends with each session, or the first year; NaN if they are few."""
    known = ~np.isnan(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    stop = np.minimum(np.maximum(np.arange(len(values)) + 1, WINDOW_SESSIONS), len(values))
    start = np.maximum(stop - WINDOW_SESSIONS, 0)
    count = counts[stop] - counts[start]
    return np.where(count >= FEWEST_KNOWN, (sums[stop] - sums[start]) / np.maximum(count, 1), np.nan)


def _last_known(column: Floats) -> Floats:
    """(n,) each value, or the last one known before it within a week; the ratio of SPX to SPY hardly moves in one."""
    at = np.arange(len(column))
    known = np.maximum.accumulate(np.where(np.isnan(column), -1, at))
    return np.where((known >= 0) & (at - known < WEEK_SESSIONS), column[np.maximum(known, 0)], np.nan)


def _previous(column: Floats) -> Floats:
    return np.concatenate([[np.nan], column[:-1]])
