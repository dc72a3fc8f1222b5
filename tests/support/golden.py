"""Markets made by hand: flat bars on real sessions, a few of them changed, and the value that a feature then has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.market.sessions import exchange_sessions

FRIDAY = "2018-03-23"
"""The usual entry. Its 30 calendar days begin on 2018-02-21 and hold 22 sessions; no holiday lies in them."""

ONE_PERCENT = math.sqrt(252)
"""The VIX at which one session's standard deviation is 1 %."""

OPEN, CLOSE = CondorSpec(), CondorSpec("close", 1)
FLAT = {
    "spx_open": 2000.0,
    "spx_high": 2010.0,
    "spx_low": 1990.0,
    "spx_close": 2000.0,
    "vix_close": ONE_PERCENT,
}
ABSURD = 5.0
BEFORE_THE_OPEN_5 = {"2018-03-15": 2500.0, "2018-03-16": 2090.0, "2018-03-22": 2040.0}
BEFORE_THE_OPEN_22 = {"2018-02-20": 2500.0, "2018-02-21": 2090.0, "2018-03-08": 2060.0, "2018-03-22": 2040.0}
TO_THE_CLOSE_5 = {"2018-03-16": 2500.0, "2018-03-19": 2090.0, "2018-03-23": 2040.0}
TO_THE_CLOSE_22 = {"2018-02-21": 2500.0, "2018-02-22": 2090.0, "2018-03-08": 2060.0, "2018-03-23": 2040.0}
"""Highs of SPX: just outside the window, on its oldest session, within, and on its newest."""
USUAL, WIDER, WIDE, WIDEST = (math.log(high / 1990) for high in (2010, 2040, 2060, 2090))
"""Log ranges of a flat bar and of those highs; lows are 1990."""


@dataclass(frozen=True, eq=False)
class Golden:
    """One feature of one entry, worked out by hand.

    Attributes
    ----------
    shows : what would be noticed
    expected : the value; None where it cannot be known
    price, vix : at an entry at the open; at the close they are the session's own closes
    """

    feature: str
    shows: str
    expected: float | None
    history: MarketHistory
    session: str = FRIDAY
    spec: CondorSpec = OPEN
    price: float = 2000.0
    vix: float = ONE_PERCENT
    revision: int = 1

    @property
    def at(self) -> int:
        """Where the entry session stands in the history."""
        return int(np.flatnonzero(self.history.sessions == np.datetime64(self.session))[0])

    @property
    def entry(self) -> tuple[float, float]:
        """SPX and VIX at entry."""
        if self.spec.entry == "open":
            return self.price, self.vix
        return float(self.history.spx_close[self.at]), float(self.history.vix_close[self.at])

    def with_an_absurd_future(self) -> MarketHistory:
        """The history with every value that is unknown at entry multiplied by five."""
        columns = {name: column.copy() for name, column in self.history.columns.items()}
        for name, column in columns.items():
            known_today = self.spec.entry == "close" or name.endswith("_open")
            column[self.at + known_today :] *= ABSURD
        return MarketHistory(self.history.sessions, columns)


def market(first: str = "2017-11-13", last: str = "2018-03-29", **changed: dict[str, float]) -> MarketHistory:
    """Flat bars, changed on some sessions: `market(spx_close={"2018-03-22": 2040})`."""
    sessions = exchange_sessions().between(date.fromisoformat(first), date.fromisoformat(last))
    history = MarketHistory.from_bars(sessions, {name: np.full(len(sessions), value) for name, value in FLAT.items()})
    for name, values in changed.items():
        for day, value in values.items():
            history.bars[name][sessions == np.datetime64(day)] = value
    return history


def year(**changed: dict[str, float]) -> MarketHistory:
    """Flat bars that reach more than 253 sessions before the usual entry."""
    return market("2017-01-03", "2018-03-29", **changed)


def without(day: str, history: MarketHistory, last: str | None = None) -> MarketHistory:
    """The same history with no bar on one session, or on all from that one to `last`."""
    gap = (history.sessions >= np.datetime64(day)) & (history.sessions <= np.datetime64(last or day))
    return MarketHistory(
        history.sessions, {name: np.where(gap, np.nan, column) for name, column in history.columns.items()}
    )
