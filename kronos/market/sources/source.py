"""What a source of daily bars is, what it returns, and how it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from kronos.errors import KronosError
from kronos.market.history import Floats
from kronos.market.sessions import Days

PRICES = ("open", "high", "low", "close")

SourceRow = tuple[float, ...]


class SourceError(KronosError):
    """A source of bars cannot be reached, or its reply cannot be used."""


@dataclass(frozen=True, eq=False)
class DailyBars:
    """Bars of one index on the days that a source has.

    Attributes
    ----------
    days : (k,) datetime64[D], strictly ascending; some may not be exchange sessions
    prices : (k, 4) open, high, low and close; NaN where the source has no price
    """

    days: Days
    prices: Floats

    @classmethod
    def from_rows(cls, rows: Mapping[date, SourceRow]) -> DailyBars:
        """Build bars from rows by day, in any order."""
        days = sorted(rows)
        prices = np.array([rows[day] for day in days], dtype=np.float64).reshape(-1, len(PRICES))
        return cls(np.array(days, dtype="datetime64[D]"), prices)

    def on(self, sessions: Days) -> Floats:
        """(n, 4) the prices on the given days; NaN where there is no bar."""
        prices = np.full((len(sessions), len(PRICES)), np.nan)
        _, to, taken = np.intersect1d(sessions, self.days, assume_unique=True, return_indices=True)
        prices[to] = self.prices[taken]
        return prices

    def days_outside(self, sessions: Days) -> Days:
        """Days with a bar that lie between the first and last of these sessions but are not among them."""
        within = self.days[(self.days >= sessions[0]) & (self.days <= sessions[-1])]
        return np.setdiff1d(within, sessions, assume_unique=True)


class Source(Protocol):
    """Where the daily bars of one index come from."""

    def bars(self, first: date, last: date) -> DailyBars:
        """The bars from `first` to `last`; it may return more.

        Raises
        ------
        SourceError
            With one line that names the source and says what to do.
        """
        ...


@contextmanager
def blaming(source: str, remedy: str) -> Iterator[None]:
    """Add the source's name and a remedy to a `SourceError` raised in the block."""
    try:
        yield
    except SourceError as error:
        raise SourceError(f"{source}: {error}; {remedy}") from error
