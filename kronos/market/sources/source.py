"""What a source of daily bars is, what it gives and how it fails."""

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
    """A source of bars cannot be reached, or what it sends cannot be used."""


@dataclass(frozen=True, eq=False)
class DailyBars:
    """Bars of one index as a source gives them, on whatever days it has.

    Attributes
    ----------
    days : (k,) datetime64[D], ascending, each once; not all need be exchange sessions
    prices : (k, 4) open, high, low and close; NaN where the source has none
    """

    days: Days
    prices: Floats

    @classmethod
    def from_rows(cls, rows: Mapping[date, SourceRow]) -> DailyBars:
        """Bars by day, in any order."""
        days = sorted(rows)
        prices = np.array([rows[day] for day in days], dtype=np.float64).reshape(-1, len(PRICES))
        return cls(np.array(days, dtype="datetime64[D]"), prices)

    def on(self, sessions: Days) -> Floats:
        """(n, 4) the prices on the given days, NaN where there is no bar."""
        prices = np.full((len(sessions), len(PRICES)), np.nan)
        _, to, taken = np.intersect1d(sessions, self.days, assume_unique=True, return_indices=True)
        prices[to] = self.prices[taken]
        return prices

    def days_outside(self, sessions: Days) -> Days:
        """The days from the first to the last of the sessions that have a bar and are none of them."""
        within = self.days[(self.days >= sessions[0]) & (self.days <= sessions[-1])]
        return np.setdiff1d(within, sessions, assume_unique=True)


class Source(Protocol):
    """Where the daily bars of one index come from."""

    def bars(self, first: date, last: date) -> DailyBars:
        """The bars from `first` to `last`; others may come with them.

        Raises
        ------
        SourceError
            One line that names the source and says what to do.
        """
        ...


@contextmanager
def blaming(source: str, remedy: str) -> Iterator[None]:
    """Complete a `SourceError` raised in the block with the source's name and what to do about it."""
    try:
        yield
    except SourceError as error:
        raise SourceError(f"{source}: {error}; {remedy}") from error
