"""Daily bars of SPX, VIX and the instruments beside them, on consecutive exchange sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kronos.errors import MarketDataError
from kronos.market.sessions import Days, as_date, exchange_sessions

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Family:
    """The columns of one instrument, named `<name>_<price>`.

    Attributes
    ----------
    required : prices that every bar has
    optional : prices that a bar may lack
    lowest, highest : values outside are refused over HTTP; in files and sources, optional ones count as absent
    adjusted : whether its prices are adjusted for dividends, so that only ratios of them mean anything
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    lowest: float
    highest: float
    adjusted: bool = False

    def in_range(self, values: Floats | float) -> Floats:
        """The values, NaN outside the range. Public files contain such slips, as a VIX open of 2.58 in 2004."""
        return np.where((values >= self.lowest) & (values <= self.highest), values, np.nan)

    def columns(self, prices: tuple[str, ...]) -> tuple[str, ...]:
        """The column names of these prices."""
        return tuple(f"{self.name}_{price}" for price in prices)


SPX = Family("spx", ("open", "high", "low", "close"), (), 1, 1_000_000)
VIX = Family("vix", ("close",), ("open", "high", "low"), 5, 200)
SPY = Family("spy", (), ("open", "high", "low", "close"), 0.1, 100_000, adjusted=True)
VIX9D = Family("vix9d", (), ("open", "high", "low", "close"), 1, 400)
VIX3M = Family("vix3m", (), ("open", "high", "low", "close"), 5, 200)
VIX1D = Family("vix1d", (), ("open", "high", "low", "close"), 1, 400)
FAMILIES = (SPX, VIX, SPY, VIX9D, VIX3M, VIX1D)
"""In the order of their columns."""
REQUIRED_COLUMNS = tuple(name for family in FAMILIES for name in family.columns(family.required))
OPTIONAL_COLUMNS = tuple(name for family in FAMILIES for name in family.columns(family.optional))
COLUMNS = REQUIRED_COLUMNS + OPTIONAL_COLUMNS


def family_of(column: str) -> Family:
    """The instrument that a column belongs to."""
    return next(family for family in FAMILIES if column.startswith(f"{family.name}_"))


@dataclass(frozen=True, eq=False)
class MarketHistory:
    """Daily bars on consecutive exchange sessions; NaN where a session has no bar.

    Attributes
    ----------
    sessions : (n,) datetime64[D], consecutive exchange sessions
    bars : by column name, (n,) points; optional columns may be NaN on any session
    """

    sessions: Days
    bars: Mapping[str, Floats]

    @classmethod
    def from_bars(cls, days: Days, bars: Mapping[str, Floats]) -> MarketHistory:
        """Place bars on exchange sessions.

        Parameters
        ----------
        days : (k,) datetime64[D], exchange sessions in ascending order
        bars : (k,) values of every required column and of any optional ones

        Raises
        ------
        MarketDataError
            If there is no bar, or a day is not a session.
        """
        if len(days) == 0:
            raise MarketDataError("no market days")
        sessions = exchange_sessions().between(as_date(days[0]), as_date(days[-1]))
        at = np.searchsorted(sessions, days)
        strangers = days[sessions[np.minimum(at, len(sessions) - 1)] != days] if len(sessions) else days
        if len(strangers):
            raise MarketDataError(f"{strangers[0]} is not an exchange session")
        empty = cls.empty(sessions)
        for name, values in bars.items():
            empty.columns[name][at] = values
        return empty

    @classmethod
    def empty(cls, sessions: Days) -> MarketHistory:
        """A history without any bar on these consecutive sessions."""
        return cls(sessions, {name: np.full(len(sessions), np.nan) for name in COLUMNS})

    @property
    def spx_open(self) -> Floats:
        """(n,) index points, as are high, low and close."""
        return self.bars["spx_open"]

    @property
    def spx_high(self) -> Floats:
        """(n,) index points."""
        return self.bars["spx_high"]

    @property
    def spx_low(self) -> Floats:
        """(n,) index points."""
        return self.bars["spx_low"]

    @property
    def spx_close(self) -> Floats:
        """(n,) index points."""
        return self.bars["spx_close"]

    @property
    def vix_open(self) -> Floats:
        """(n,) VIX points, as are high, low and close."""
        return self.bars["vix_open"]

    @property
    def vix_high(self) -> Floats:
        """(n,) VIX points."""
        return self.bars["vix_high"]

    @property
    def vix_close(self) -> Floats:
        """(n,) VIX points."""
        return self.bars["vix_close"]

    def __len__(self) -> int:
        return len(self.sessions)

    def has(self, family: Family) -> bool:
        """Whether any session has a bar of an instrument."""
        return any(not np.isnan(self.bars[name]).all() for name in family.columns(family.required + family.optional))

    @property
    def columns(self) -> dict[str, Floats]:
        """The bars by column name, in a new dictionary."""
        return dict(self.bars)

    @property
    def has_bar(self) -> npt.NDArray[np.bool_]:
        """(n,) whether a session has a bar."""
        return ~np.isnan(self.spx_close)

    def slice(self, start: int, stop: int) -> MarketHistory:
        """The sessions at positions `start` (included) to `stop` (excluded)."""
        return MarketHistory(
            self.sessions[start:stop], {name: column[start:stop] for name, column in self.columns.items()}
        )

    def on(self, sessions: Days) -> MarketHistory:
        """The same bars on other consecutive exchange sessions; NaN where there is no bar."""
        at = np.searchsorted(self.sessions, sessions)
        here = np.flatnonzero(at < len(self))
        here = here[self.sessions[at[here]] == sessions[here]]
        columns = {}
        for name, column in self.columns.items():
            columns[name] = np.full(len(sessions), np.nan)
            columns[name][here] = column[at[here]]
        return MarketHistory(sessions, columns)

    def with_bars(self, other: MarketHistory) -> MarketHistory:
        """Both histories combined; where both have a value, the one in `other` is kept."""
        first, last = min(self.sessions[0], other.sessions[0]), max(self.sessions[-1], other.sessions[-1])
        sessions = exchange_sessions().between(as_date(first), as_date(last))
        mine, theirs = self.on(sessions), other.on(sessions)
        columns = {
            name: np.where(np.isnan(theirs.columns[name]), column, theirs.columns[name])
            for name, column in mine.columns.items()
        }
        return MarketHistory(sessions, columns)


def years_of(days: Days) -> npt.NDArray[np.int64]:
    """(n,) the calendar year of each day."""
    return days.astype("datetime64[Y]").astype(np.int64) + 1970
