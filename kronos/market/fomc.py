"""The days on which the Federal Reserve is scheduled to announce its decisions, carried as a list that ends."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np

from kronos.market.history import Flags
from kronos.market.sessions import LIST_ENDS_SOON_DAYS, Days, as_date


@dataclass(frozen=True, eq=False)
class FomcCalendar:
    """Scheduled announcements.

    Attributes
    ----------
    days : (n,) datetime64[D], ascending
    """

    days: Days

    @property
    def last(self) -> date:
        """The last day in the list; nothing is known after it."""
        return as_date(self.days[-1])

    def covers(self, days: Days) -> Flags:
        """(n,) whether the list says anything about each day; before its first day there were no announcements."""
        return np.asarray(days <= self.days[-1])

    def ends_soon(self, today: date) -> bool:
        """Whether the list ends in less than 180 days."""
        return (self.last - today).days < LIST_ENDS_SOON_DAYS


@cache
def fomc_calendar() -> FomcCalendar:
    """The list, read once."""
    with (files("kronos.market") / "data" / "fomc_days.csv").open() as file:
        days = np.array([row["date"] for row in csv.DictReader(file)], dtype="datetime64[D]")
    days.flags.writeable = False
    return FomcCalendar(days)
