"""The days on which the Federal Reserve is scheduled to announce: what the list holds, and where it ends."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from kronos.market.fomc import fomc_calendar
from kronos.market.history import years_of
from kronos.market.sessions import exchange_sessions

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = 1, 2, 3, 4
DAYS = fomc_calendar().days
CALLED_OFF = {2020: 1}
"""Meetings of a year that were scheduled and did not take place: one of eight, in March 2020."""


def test_announcements_are_in_order_on_sessions() -> None:
    """So they are weekdays in New York."""
    assert (np.diff(DAYS) > np.timedelta64(0, "D")).all()
    assert np.is_busday(DAYS).all()
    assert np.isin(DAYS, exchange_sessions().days).all()


def test_they_are_on_tuesdays_to_thursdays_but_for_the_first() -> None:
    weekdays = [day.item().weekday() for day in DAYS]
    assert weekdays[0] == FRIDAY
    assert set(weekdays[1:]) == {TUESDAY, WEDNESDAY, THURSDAY}


def test_there_are_eight_a_year_weeks_apart() -> None:
    years, counts = np.unique(years_of(DAYS), return_counts=True)
    assert list(years) == list(range(1994, 2028))
    assert list(counts) == [8 - CALLED_OFF.get(int(year), 0) for year in years]
    assert (np.diff(DAYS) > np.timedelta64(30, "D")).all()


def test_it_covers_what_lies_before_it_and_nothing_after() -> None:
    days = np.array(["1990-01-02", "1994-02-04", "2027-12-08", "2027-12-09", "2030-12-31"], dtype="datetime64[D]")
    assert fomc_calendar().covers(days).tolist() == [True, True, True, False, False]
    assert fomc_calendar().last == date(2027, 12, 8)


def test_it_says_half_a_year_ahead_that_it_ends() -> None:
    last = fomc_calendar().last
    assert not fomc_calendar().ends_soon(last - timedelta(days=180))
    assert fomc_calendar().ends_soon(last - timedelta(days=179))
    assert fomc_calendar().ends_soon(last + timedelta(days=1))


def test_it_cannot_be_changed_by_accident() -> None:
    assert not DAYS.flags.writeable
