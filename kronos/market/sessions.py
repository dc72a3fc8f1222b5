"""The exchange's sessions: the days on which NYSE trades, and when trading ends.

`scripts/build_sessions.py` generates the list, so that the server needs no calendar library.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from kronos.errors import MarketDataError

NEW_YORK = ZoneInfo("America/New_York")
SESSIONS_PER_YEAR = 252
LIST_ENDS_SOON_DAYS = 180

Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class ExchangeSessions:
    """All sessions in the generated list, in order.

    Attributes
    ----------
    days : (n,) datetime64[D], ascending
    half_days : sessions that close at 13:00 New York time
    """

    days: Days
    half_days: frozenset[date]

    @property
    def first(self) -> date:
        """The first session in the list."""
        return as_date(self.days[0])

    @property
    def last(self) -> date:
        """The last session in the list."""
        return as_date(self.days[-1])

    def __contains__(self, day: date) -> bool:
        position = int(np.searchsorted(self.days, np.datetime64(day, "D")))
        return position < len(self.days) and bool(self.days[position] == np.datetime64(day, "D"))

    def closes_at(self, session: date) -> datetime:
        """When trading ends on a session, in New York time."""
        hour = 13 if session in self.half_days else 16
        return datetime.combine(session, time(hour), NEW_YORK)

    def entry_session(self, moment: datetime) -> date:
        """The session of a trade entered at `moment`: the first that closes after it.

        Raises
        ------
        MarketDataError
            If the list does not cover `moment`.
        """
        try:
            today = moment.astimezone(NEW_YORK).date()
        except OverflowError:
            today = moment.date()
        if not self.first <= today <= self.last:
            raise MarketDataError(f"the session list covers {self.first} to {self.last}, not {today}")
        position = int(np.searchsorted(self.days, np.datetime64(today, "D")))
        while position < len(self.days):
            session = as_date(self.days[position])
            if moment < self.closes_at(session):
                return session
            position += 1
        raise MarketDataError(f"the session list ends on {self.last}, at the close")

    def ending_at(self, session: date, count: int) -> Days:
        """The last `count` sessions up to and including `session`; fewer at the beginning of the list."""
        stop = int(np.searchsorted(self.days, np.datetime64(session, "D"), side="right"))
        return self.days[max(0, stop - count) : stop]

    def number(self, days: Days) -> npt.NDArray[np.int64]:
        """(n,) number of sessions before each day; outside the list, weekdays are counted instead."""
        inside = np.searchsorted(self.days, days)
        before = np.busday_count(np.minimum(days, self.days[0]), self.days[0])
        after = np.busday_count(self.days[-1] + 1, np.maximum(days, self.days[-1] + 1))
        return np.asarray(inside - before + after, dtype=np.int64)

    def between(self, first: date, last: date) -> Days:
        """The sessions from `first` to `last`, inclusive."""
        low = np.searchsorted(self.days, np.datetime64(first, "D"), side="left")
        high = np.searchsorted(self.days, np.datetime64(last, "D"), side="right")
        return self.days[low:high]

    def ends_soon(self, today: date) -> bool:
        """Whether the list ends in less than 180 days."""
        return (self.last - today).days < LIST_ENDS_SOON_DAYS


def as_date(day: np.datetime64) -> date:
    """A NumPy day as a `datetime.date`."""
    value = day.astype("datetime64[D]").item()
    if not isinstance(value, date):
        raise TypeError(f"not a day: {day!r}")
    return value


@cache
def exchange_sessions() -> ExchangeSessions:
    """The generated list, read once."""
    with (files("kronos.market") / "data" / "exchange_days.csv").open() as file:
        rows = [(date.fromisoformat(row["date"]), row["kind"]) for row in csv.DictReader(file)]
    closed = np.array([day for day, kind in rows if kind == "closed"], dtype="datetime64[D]")
    first, last = rows[0][0], rows[-1][0]
    every_day = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    days = every_day[np.is_busday(every_day, holidays=closed)]
    days.flags.writeable = False
    return ExchangeSessions(days, frozenset(day for day, kind in rows if kind == "early_close"))
