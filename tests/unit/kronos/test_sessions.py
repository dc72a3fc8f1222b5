"""The generated session list, against the calendar it was made from."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from kronos.errors import MarketDataError
from kronos.market.sessions import NEW_YORK, exchange_sessions


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.filterwarnings("ignore")
def test_it_equals_the_exchange_calendar() -> None:
    import exchange_calendars

    ours = exchange_sessions()
    theirs = exchange_calendars.get_calendar("XNYS", start=str(ours.first), end=str(ours.last))
    np.testing.assert_array_equal(ours.days, theirs.sessions.to_numpy().astype("datetime64[D]"))
    assert ours.half_days == {day.date() for day in theirs.early_closes}


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2018-12-31T09:31", date(2018, 12, 31)),
        ("2018-12-31T15:59", date(2018, 12, 31)),
        ("2018-12-31T16:00", date(2019, 1, 2)),
        ("2018-12-24T12:59", date(2018, 12, 24)),
        ("2018-12-24T13:00", date(2018, 12, 26)),
        ("2018-12-29T12:00", date(2018, 12, 31)),
        ("2018-07-04T10:00", date(2018, 7, 5)),
    ],
)
def test_the_entry_session_is_the_first_that_closes_after_the_moment(moment: str, session: date) -> None:
    assert exchange_sessions().entry_session(new_york(moment)) == session


def test_the_date_is_new_yorks() -> None:
    late_in_new_york = datetime(2019, 1, 3, 2, 0, tzinfo=UTC)
    assert exchange_sessions().entry_session(late_in_new_york) == date(2019, 1, 3)
    assert exchange_sessions().entry_session(datetime(2019, 1, 2, 20, 59, tzinfo=UTC)) == date(2019, 1, 2)


@pytest.mark.parametrize("moment", ["1989-12-29T10:00", "2031-01-02T10:00", "2030-12-31T16:00"])
def test_outside_the_list_is_an_error(moment: str) -> None:
    with pytest.raises(MarketDataError, match="session list"):
        exchange_sessions().entry_session(new_york(moment))


def test_it_says_when_it_is_about_to_end() -> None:
    assert not exchange_sessions().ends_soon(date(2030, 6, 1))
    assert exchange_sessions().ends_soon(date(2030, 9, 1))
