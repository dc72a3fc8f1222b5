"""Features that need only the calendar.

Those that count days count the sessions of the trade's life: from entry through settlement at the open, after entry at
the close. For a trade of one session they are 0 or 1.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from kronos.features.entries import Entries
from kronos.features.registry import feature
from kronos.market.fomc import fomc_calendar
from kronos.market.history import Floats
from kronos.market.sessions import Days, exchange_sessions

EPOCH_WEEKDAY = 3
"""1970-01-01, day 0 of NumPy's calendar, was a Thursday."""
SATURDAY = 5
JANUARY, JULY = 1, 7
ONE_DAY = np.timedelta64(1, "D")


@feature(unit="0 Monday to 4 Friday", lookback_sessions=0, encoding="weekday", variants=("minimal", "market", "full"))
def day_of_week(entries: Entries) -> Floats:
    """Day of the week in New York."""
    return _weekday(entries.days).astype(np.float64)


@feature(unit="days", lookback_sessions=0, is_listed=True)
def fomc_days(entries: Entries) -> Floats:
    """Scheduled announcements of the Federal Reserve in the trade's life; unknown beyond the published list."""
    calendar = fomc_calendar()
    return np.where(calendar.covers(_settlement(entries)), _count(entries, calendar.days), np.nan)


@feature(unit="days", lookback_sessions=0)
def jobs_days(entries: Entries) -> Floats:
    """Reports on employment in the trade's life, by the rule that sets their dates."""
    return _count(entries, report_days())


@feature(unit="days", lookback_sessions=0)
def half_days(entries: Entries) -> Floats:
    """Half days in the trade's life."""
    return _count(entries, np.array(sorted(exchange_sessions().half_days), dtype="datetime64[D]"))


@feature(unit="days", lookback_sessions=0)
def month_begins(entries: Entries) -> Floats:
    """First sessions of a month in the trade's life."""
    return _count(entries, _month_ends()[1])


@feature(unit="days", lookback_sessions=0)
def month_ends(entries: Entries) -> Floats:
    """Last sessions of a month in the trade's life."""
    return _count(entries, _month_ends()[0])


@cache
def report_days() -> Days:
    """The Fridays on which the Bureau of Labor Statistics reports on employment, as far as they are sessions.

    The third Friday after the week that holds the 12th of the month before; a week later if that is 1 to 3 January; the
    day before if a holiday of July falls on it.
    """
    months = _months()
    twelfths = _day_of_month(months - 1, 12)
    fridays = _later(twelfths, (SATURDAY - _weekday(twelfths)) % 7 + 20)
    day_of_month = fridays - months.astype("datetime64[D]")
    early_january = (_month_of(fridays) == JANUARY) & (day_of_month < np.timedelta64(3, "D"))
    fridays = np.where(early_january, fridays + np.timedelta64(7, "D"), fridays)
    sessions = exchange_sessions().days
    moved = ~np.isin(fridays, sessions) & (_month_of(fridays) == JULY)
    return np.intersect1d(np.where(moved, fridays - ONE_DAY, fridays), sessions)


def _count(entries: Entries, marked: Days) -> Floats:
    """(n,) how many of the ascending marked days are sessions of each trade's life."""
    begins = np.searchsorted(marked, _sessions_ahead(entries, entries.spec.first_session_ahead))
    return (np.searchsorted(marked, _settlement(entries), side="right") - begins).astype(np.float64)


def _settlement(entries: Entries) -> Days:
    return _sessions_ahead(entries, entries.spec.dte_sessions)


def _sessions_ahead(entries: Entries, ahead: int) -> Days:
    calendar = exchange_sessions().days
    return calendar[np.minimum(np.searchsorted(calendar, entries.days) + ahead, len(calendar) - 1)]


def _month_ends() -> tuple[Days, Days]:
    """The last and the first sessions of each month."""
    days = exchange_sessions().days
    month = days.astype("datetime64[M]")
    changes = np.flatnonzero(month[1:] != month[:-1])
    return days[changes], days[changes + 1]


def _months() -> Days:
    days = exchange_sessions().days
    return np.arange(days[0].astype("datetime64[M]"), days[-1].astype("datetime64[M]") + 1)


def _day_of_month(months: Days, day: int) -> Days:
    return _later(np.asarray(months, dtype="datetime64[D]"), np.full(len(months), day - 1))


def _later(days: Days, count: npt.NDArray[np.int64]) -> Days:
    return np.asarray(days + count.astype("timedelta64[D]"), dtype="datetime64[D]")


def _weekday(days: Days) -> npt.NDArray[np.int64]:
    """(n,) 0 for Monday to 6 for Sunday."""
    return (days.astype(np.int64) + EPOCH_WEEKDAY) % 7


def _month_of(days: Days) -> npt.NDArray[np.int64]:
    """(n,) 1 for January to 12 for December."""
    return days.astype("datetime64[M]").astype(np.int64) % 12 + 1
