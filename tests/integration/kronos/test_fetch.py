"""Histories made, extended and refreshed from a local server that replays the public sources, holidays and gaps too."""

from __future__ import annotations

import errno
import math
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from kronos.errors import MarketDataError
from kronos.market import fetch
from kronos.market.csv_file import read_market_csv, write_market_csv
from kronos.market.fetch import (
    FetchReport,
    Restatement,
    existing_history,
    fetch_history,
    last_settled_session,
)
from kronos.market.history import MarketHistory
from kronos.market.sessions import NEW_YORK, as_date, exchange_sessions
from kronos.market.sources.cboe import CboeFile
from kronos.market.sources.entries import Sources
from kronos.market.sources.spx import SpxChart
from tests.support.fetch_server import (
    FIRST,
    HOLIDAYS,
    LAST,
    QUICK,
    SESSIONS,
    Bars,
    FetchServer,
    Prices,
    Reply,
    as_float32,
    spx_bars,
    spx_chart,
    vix_bars,
    vix_file,
    without,
)

EVENING = datetime(2025, 6, 30, 21, tzinfo=UTC)


def sources(server: FetchServer, spx: Bars, vix: Bars, live: datetime | None = None) -> Sources:
    return {
        "vix": CboeFile(server.serve("/VIX_History.csv", Reply(vix_file(vix))), QUICK),
        "spx": SpxChart(server.serve("/chart/%5EGSPC", spx_chart(spx, live)), QUICK),
    }


def fetched(
    server: FetchServer,
    existing: MarketHistory | None = None,
    *,
    spx: Bars | None = None,
    vix: Bars | None = None,
    now: datetime = EVENING,
    start: date | None = None,
    end: date | None = None,
    refresh: bool = False,
) -> FetchReport:
    """A fetch from sources that have every session, unless told otherwise."""
    given = sources(server, spx or spx_bars(SESSIONS), vix or vix_bars(SESSIONS))
    return fetch_history(given, lambda: now, existing, start=start, end=end, refresh=refresh)


def history_of(server: FetchServer, first: date, last: date) -> MarketHistory:
    return fetched(server, start=first, end=last).history


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def test_rows_of_days_without_a_session_are_dropped_and_reported(server: FetchServer) -> None:
    assert len(HOLIDAYS) == 33
    report = fetched(server, start=FIRST, vix=vix_bars(sorted([*SESSIONS, *HOLIDAYS])))
    assert report.dropped["vix"].tolist() == HOLIDAYS
    assert report.dropped["spx"].tolist() == []
    assert report.history.sessions.tolist() == SESSIONS
    assert report.added.tolist() == SESSIONS
    assert report.changed


def test_values_come_through_exactly(server: FetchServer) -> None:
    history = fetched(server, start=FIRST, vix=vix_bars(SESSIONS)).history
    for index, bars in (("spx", spx_bars(SESSIONS)), ("vix", vix_bars(SESSIONS))):
        for at, name in enumerate(("open", "high", "low", "close")):
            expected = [round(bars[day][at] or math.nan, 2) for day in SESSIONS]
            assert history.columns[f"{index}_{name}"].tolist() == expected
    assert as_float32(4000.11) != 4000.11


def test_a_session_that_one_source_lacks_is_reported_and_not_filled(server: FetchServer) -> None:
    no_vix, no_spx, neither = days("2022-03-01", "2023-05-04", "2024-02-29")
    report = fetched(
        server,
        start=FIRST,
        spx=without(spx_bars(SESSIONS), no_spx, neither),
        vix=without(vix_bars(SESSIONS), no_vix, neither),
    )
    assert report.lacking["vix"].tolist() == [no_vix, neither]
    assert report.lacking["spx"].tolist() == [no_spx, neither]
    bare = report.history.sessions[~report.history.has_bar].tolist()
    assert bare == [no_vix, no_spx, neither]
    assert all(np.isnan(column[~report.history.has_bar]).all() for column in report.history.columns.values())


@pytest.mark.parametrize(
    "prices",
    [(None, None, None, None), (4000.0, 4010.0, 3990.0, None), (0.0, 4010.0, 3990.0, 4000.0), (4000, 3990, 4010, 4000)],
    ids=["nulls", "no close", "open of zero", "low above high"],
)
def test_an_incomplete_spx_bar_is_none(server: FetchServer, prices: Prices) -> None:
    odd = SESSIONS[10]
    report = fetched(server, start=FIRST, spx=spx_bars(SESSIONS) | {odd: prices})
    assert report.lacking["spx"].tolist() == [odd]
    assert report.lacking["vix"].tolist() == []
    assert report.history.has_bar.sum() == len(SESSIONS) - 1


def test_vix_needs_its_close_only(server: FetchServer) -> None:
    day = SESSIONS[3]
    history = fetched(server, start=FIRST, vix=vix_bars(SESSIONS) | {day: (None, None, None, 21.5)}).history
    assert history.vix_close[3] == 21.5
    assert math.isnan(history.vix_open[3])
    assert history.has_bar.all()


def test_the_range_that_was_asked_for(server: FetchServer) -> None:
    report = fetched(server, start=date(2024, 1, 1), end=date(2024, 1, 15))
    assert report.history.sessions[[0, -1]].tolist() == days("2024-01-02", "2024-01-12")
    query = server.queries["/chart/%5EGSPC"]
    midnights = [datetime(2024, 1, 2, tzinfo=NEW_YORK), datetime(2024, 1, 13, tzinfo=NEW_YORK)]
    assert [query[0]["period1"], query[0]["period2"]] == [[str(int(at.timestamp()))] for at in midnights]
    assert query[0]["interval"] == ["1d"]


def test_without_a_start_all_of_the_session_list_is_asked_for(server: FetchServer) -> None:
    report = fetched(server)
    assert report.lacking["spx"][0] == np.datetime64("1990-01-02")
    assert report.added.tolist() == SESSIONS


@pytest.mark.parametrize(
    ("start", "end"), [("2024-01-13", "2024-01-15"), ("2024-02-01", "2024-01-02"), ("2025-07-01", None)]
)
def test_a_range_without_a_settled_session_is_refused(server: FetchServer, start: str, end: str | None) -> None:
    with pytest.raises(MarketDataError, match=r"no session between .* has settled"):
        fetched(server, start=date.fromisoformat(start), end=None if end is None else date.fromisoformat(end))
    assert not server.queries


def test_sources_without_any_bar_in_the_range_are_an_error(server: FetchServer) -> None:
    with pytest.raises(MarketDataError, match="no session from 2010-01-04 to 2010-12-31 has bars of both indices"):
        fetched(server, start=date(2010, 1, 1), end=date(2010, 12, 31))


def test_a_history_is_extended_and_only_its_end_asked_for_again(server: FetchServer) -> None:
    there = history_of(server, FIRST, date(2025, 3, 31))
    server.queries.clear()
    report = fetched(server, there)
    assert report.added[[0, -1]].tolist() == days("2025-04-01", "2025-06-30")
    assert report.history.sessions.tolist() == SESSIONS
    asked = server.queries["/chart/%5EGSPC"][0]["period1"]
    known = as_date(exchange_sessions().ending_at(date(2025, 3, 31), fetch.OVERLAP_SESSIONS)[0])
    assert asked == [str(int(datetime(known.year, known.month, known.day, tzinfo=NEW_YORK).timestamp()))]


def test_bars_before_the_overlap_need_not_be_in_the_sources(server: FetchServer) -> None:
    there = history_of(server, FIRST, date(2025, 3, 31))
    recent = [day for day in SESSIONS if day >= date(2025, 4, 1)]
    report = fetched(server, there, spx={day: spx_bars(SESSIONS)[day] for day in recent})
    assert report.history.has_bar.all()
    assert report.lacking["spx"].tolist() == []


def test_nothing_lacking_asks_nobody(server: FetchServer) -> None:
    there = history_of(server, FIRST, LAST)
    server.queries.clear()
    report = fetched(server, there)
    assert not server.queries
    assert not report.changed
    assert report.history is there


def test_a_source_that_is_late_changes_nothing(server: FetchServer) -> None:
    there = history_of(server, FIRST, date(2025, 6, 27))
    report = fetched(server, there, vix=without(vix_bars(SESSIONS), LAST))
    assert report.lacking["vix"].tolist() == [LAST]
    assert report.lacking["spx"].tolist() == []
    assert not report.changed


def test_a_restated_value_is_reported_and_kept(server: FetchServer) -> None:
    there = history_of(server, FIRST, date(2025, 6, 20))
    day = date(2025, 6, 18)
    before = spx_bars(SESSIONS)[day]
    now = (*before[:3], (before[3] or 0) + 0.02)
    report = fetched(server, there, spx=spx_bars(SESSIONS) | {day: now})
    kept = round(before[3] or 0, 2)
    assert report.restated == (Restatement(day, "spx_close", kept, round(kept + 0.02, 2)),)
    assert report.history.spx_close[report.history.sessions == np.datetime64(day)].tolist() == [kept]


def test_a_refresh_takes_restated_values_and_keeps_what_the_sources_lack(server: FetchServer) -> None:
    there = history_of(server, FIRST, LAST)
    restated, gone = date(2022, 2, 2), date(2022, 2, 3)
    report = fetched(
        server,
        there,
        spx=without(spx_bars(SESSIONS), gone),
        vix=vix_bars(SESSIONS) | {restated: (18.25, 19.5, 17.75, 22.22)},
        refresh=True,
    )
    assert [(value.session, value.column, value.now) for value in report.restated] == [(restated, "vix_close", 22.22)]
    at = np.searchsorted(report.history.sessions, np.array([restated, gone], dtype="datetime64[D]"))
    assert report.history.vix_close[at].tolist() == [22.22, there.vix_close[at[1]]]
    assert report.history.has_bar.all()
    assert report.changed


def test_a_recent_hole_is_filled_once_the_source_has_it(server: FetchServer) -> None:
    hole = date(2025, 6, 25)
    there = fetched(server, start=FIRST, end=date(2025, 6, 27), vix=without(vix_bars(SESSIONS), hole)).history
    report = fetched(server, there)
    assert report.added.tolist() == [hole, date(2025, 6, 30)]


def test_an_old_hole_is_filled_when_asked_for(server: FetchServer) -> None:
    hole = date(2022, 6, 1)
    there = fetched(server, start=FIRST, vix=without(vix_bars(SESSIONS), hole)).history
    assert not fetched(server, there).changed
    server.queries.clear()
    assert fetched(server, there, start=FIRST).added.tolist() == [hole]
    asked = datetime.fromtimestamp(int(server.queries["/chart/%5EGSPC"][0]["period1"][0]), NEW_YORK)
    assert asked.date() == SESSIONS[SESSIONS.index(hole) - fetch.OVERLAP_SESSIONS]


@pytest.mark.parametrize(
    ("start", "end"),
    [(date(2022, 6, 1), date(2022, 6, 30)), (date(2025, 1, 2), None)],
    ids=["earlier", "later"],
)
def test_no_gap_is_left_beside_what_is_there(server: FetchServer, start: date, end: date | None) -> None:
    there = history_of(server, date(2023, 1, 3), date(2023, 12, 29))
    history = fetched(server, there, start=start, end=end).history
    assert history.has_bar.all()
    assert history.sessions[0] <= np.datetime64(start) <= history.sessions[-1]
    assert len(history) > len(there) + 100


@pytest.mark.parametrize(
    ("now", "latest"),
    [
        ("2025-06-30 09:00", "2025-06-27"),
        ("2025-06-30 15:59", "2025-06-27"),
        ("2025-06-30 16:10", "2025-06-27"),
        ("2025-06-30 16:30", "2025-06-30"),
        ("2025-07-03 13:29", "2025-07-02"),
        ("2025-07-03 13:30", "2025-07-03"),
        ("2025-07-04 12:00", "2025-07-03"),
        ("2025-07-06 23:59", "2025-07-03"),
    ],
)
def test_the_last_settled_session(now: str, latest: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=NEW_YORK)
    assert last_settled_session(moment) == date.fromisoformat(latest)
    assert last_settled_session(moment.astimezone(UTC)) == date.fromisoformat(latest)


def test_a_session_that_is_still_open_is_not_fetched(server: FetchServer) -> None:
    noon = datetime(2025, 6, 30, 12, tzinfo=NEW_YORK)
    given = sources(server, spx_bars(SESSIONS), vix_bars(SESSIONS), live=noon)
    report = fetch_history(given, lambda: noon, start=date(2025, 6, 2), end=date(2025, 12, 31))
    assert report.history.sessions[-1] == np.datetime64("2025-06-27")
    assert report.dropped["vix"].tolist() == []


def test_a_day_beyond_the_session_list_is_refused(server: FetchServer) -> None:
    with pytest.raises(MarketDataError, match="the session list covers 1990-01-02 to 2030-12-31, not 2031-03-03"):
        fetched(server, now=datetime(2031, 3, 3, tzinfo=NEW_YORK))


def test_swapped_sources_are_refused(server: FetchServer) -> None:
    with pytest.raises(MarketDataError, match=r"a VIX close of 4004\.83 on 2022-01-03, outside 5 to 200"):
        fetched(server, start=FIRST, spx=vix_bars(SESSIONS), vix=spx_bars(SESSIONS))


def test_another_instrument_is_refused(server: FetchServer) -> None:
    there = history_of(server, FIRST, date(2025, 6, 20))
    tenth: Bars = {
        day: (level / 10 + 1, level / 10 + 2, level / 10, level / 10 + 1)
        for at, day in enumerate(SESSIONS)
        for level in [4000.0 + at]
    }
    with pytest.raises(
        MarketDataError, match=r"on 2025-06-20 and at 487\.\d+ on 2025-06-23, .* are all of these SPX bars"
    ):
        fetched(server, there, spx=tenth)


def test_progress_counts_the_sources(server: FetchServer) -> None:
    told: list[tuple[int, int]] = []
    given = sources(server, spx_bars(SESSIONS), vix_bars(SESSIONS))
    fetch_history(given, lambda: EVENING, start=FIRST, progress=lambda *step: told.append(step))
    assert told == [(1, 2), (2, 2)]


def test_a_file_whose_other_columns_would_be_lost_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("date,spx_open,spx_high,spx_low,spx_close,vix_close,mood\n2018-12-31,2,3,1,2,20,good\n")
    with pytest.raises(MarketDataError, match=r"mine\.csv: the column 'mood' would be lost"):
        existing_history(path)


def test_a_disk_that_fills_up_leaves_the_old_file(
    tmp_path: Path, sample: MarketHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "market.csv"
    path.write_text("as it was")

    def full(history: MarketHistory, to: Path) -> None:
        write_market_csv(history.slice(0, 3), to)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetch, "write_market_csv", full)
    with pytest.raises(MarketDataError, match=r"market\.csv: No space left on device"):
        fetch.replace_market_csv(sample, path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["as it was"]


def test_a_link_stays_a_link(tmp_path: Path, sample: MarketHistory) -> None:
    link = tmp_path / "link.csv"
    (tmp_path / "real.csv").touch()
    link.symlink_to("real.csv")
    fetch.replace_market_csv(sample, link)
    assert link.is_symlink()
    assert len(read_market_csv(tmp_path / "real.csv")) == len(sample)
