"""Histories made, extended and refreshed from a local server that replays the public sources, holidays and gaps too."""

from __future__ import annotations

import errno
import math
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from kronos.errors import MarketDataError
from kronos.market import csv_file, fetch
from kronos.market.csv_file import existing_history, read_market_csv, replace_market_csv, write_market_csv
from kronos.market.fetch import (
    FetchReport,
    Restatement,
    fetch_history,
    last_settled_session,
)
from kronos.market.history import MarketHistory
from kronos.market.sessions import NEW_YORK, as_date, exchange_sessions
from kronos.market.sources.cboe import CboeFile
from kronos.market.sources.chart import Chart
from kronos.market.sources.entries import Sources
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
    spy_bars,
    vix_bars,
    vix_file,
    without,
)

EVENING = datetime(2025, 6, 30, 21, tzinfo=UTC)


def sources(server: FetchServer, spx: Bars, vix: Bars, live: datetime | None = None) -> Sources:
    return {
        "vix": CboeFile(server.serve("/VIX_History.csv", Reply(vix_file(vix))), QUICK),
        "spx": Chart(server.serve("/chart/%5EGSPC", spx_chart(spx, live)), QUICK),
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


def with_others(
    server: FetchServer, adjusted: float = 1.0, vix9d: Bars | None = None, spy: Bars | None = None
) -> Sources:
    """SPX and VIX, SPY adjusted by a factor, and VIX9D; the source of VIX3M is away."""
    gone = server.serve("/gone", Reply(status=404))
    return {
        **sources(server, spx_bars(SESSIONS), vix_bars(SESSIONS)),
        "spy": Chart(
            server.serve("/chart/SPY", spx_chart(spy or spy_bars(SESSIONS), adjusted=adjusted)),
            QUICK,
            "SPY",
            adjusted=True,
        ),
        "vix9d": CboeFile(server.serve("/VIX9D.csv", Reply(vix_file(vix9d or vix_bars(SESSIONS[100:])))), QUICK),
        "vix3m": CboeFile(gone, QUICK, "VIX3M"),
    }


def test_other_instruments_are_added_where_their_sources_have_them(server: FetchServer) -> None:
    hole = SESSIONS[150]
    given = with_others(server, 0.5, without(vix_bars(SESSIONS[100:]), hole))
    report = fetch_history(given, lambda: EVENING, start=FIRST)
    bars = report.history.bars
    np.testing.assert_allclose(bars["spy_close"], [0.5 * (spy_bars(SESSIONS)[day][3] or 0) for day in SESSIONS])
    np.testing.assert_allclose(
        bars["spy_open"] / bars["spy_close"], [(400.11 + at / 10) / (400.48 + at / 10) for at in range(len(SESSIONS))]
    )
    assert np.isnan(bars["vix9d_close"]).nonzero()[0].tolist() == [*range(100), 150]
    assert report.lacking["vix9d"].tolist() == [hole]
    assert list(report.away) == ["vix3m"]
    assert "VIX3M from http://127.0.0.1" in report.away["vix3m"]
    assert report.history.has_bar.all()
    assert report.restated == ()


def test_a_history_without_an_instrument_gets_all_of_it_and_keeps_its_bars(server: FetchServer) -> None:
    there = history_of(server, FIRST, date(2025, 6, 20))
    report = fetch_history(with_others(server), lambda: EVENING, there)
    assert report.filled.tolist() == there.sessions.tolist()
    assert report.news.tolist() == SESSIONS
    assert not np.isnan(report.history.bars["spy_open"]).any()
    for name, column in there.bars.items():
        if name.startswith(("spx_", "vix_")):
            np.testing.assert_array_equal(report.history.bars[name][: len(there)], column)
    again = fetch_history({name: of for name, of in with_others(server).items() if name != "vix3m"}, lambda: EVENING)
    server.queries.clear()
    assert not fetch_history({"spy": with_others(server)["spy"]}, lambda: EVENING, again.history).changed


def test_new_adjusted_bars_join_the_old_ones_on_their_scale(server: FetchServer) -> None:
    """A dividend after the last fetch rescales all that came before it; ratios across the seam must not feel it."""
    there = fetch_history(with_others(server), lambda: EVENING, start=FIRST, end=date(2025, 6, 20)).history
    report = fetch_history(with_others(server, adjusted=0.98), lambda: EVENING, there)
    np.testing.assert_allclose(
        report.history.bars["spy_close"], [spy_bars(SESSIONS)[day][3] or 0 for day in SESSIONS], rtol=1e-6
    )
    assert report.restated == ()
    anew = fetch_history(with_others(server, adjusted=0.98), lambda: EVENING, there, refresh=True).history
    np.testing.assert_allclose(anew.bars["spy_close"] / report.history.bars["spy_close"], 0.98, rtol=1e-6)


AWAY = SESSIONS[200:259]


def with_holes(server: FetchServer) -> MarketHistory:
    """Up to date, but for the days on which the sources of SPY and VIX9D were away."""
    holed = with_others(server, 1.0, without(vix_bars(SESSIONS[100:]), *AWAY), without(spy_bars(SESSIONS), *AWAY))
    return fetch_history(holed, lambda: EVENING, start=FIRST).history


def asked_from(server: FetchServer, path: str) -> date:
    (query,) = server.queries[path]
    return datetime.fromtimestamp(int(query["period1"][0]), NEW_YORK).date()


def test_the_days_on_which_a_source_was_away_are_filled_once_it_is_back(server: FetchServer) -> None:
    """SPY has paid a dividend meanwhile; there are known closes on both sides."""
    there = with_holes(server)
    given = {name: source for name, source in with_others(server, 0.98).items() if name != "vix3m"}
    server.queries.clear()
    report = fetch_history(given, lambda: EVENING, there)
    assert asked_from(server, "/chart/SPY") == SESSIONS[200 - fetch.OVERLAP_SESSIONS]
    assert report.changed
    assert report.filled.tolist() == AWAY
    assert [days.tolist() for days in report.lacking.values()] == [[], []]
    np.testing.assert_allclose(
        report.history.bars["spy_close"], [spy_bars(SESSIONS)[day][3] or 0 for day in SESSIONS], rtol=1e-5
    )
    assert not np.isnan(report.history.bars["vix9d_close"][100:]).any()


def test_holes_that_no_source_can_fill_are_named_and_nothing_else_is_asked_for(server: FetchServer) -> None:
    there = with_holes(server)
    spy = without(spy_bars(SESSIONS), *AWAY)
    given = with_others(server, 1.0, without(vix_bars(SESSIONS[100:]), *AWAY), spy)
    server.queries.clear()
    report = fetch_history(given, lambda: EVENING, there)
    assert {path: len(queries) for path, queries in server.queries.items()} == dict.fromkeys(
        ("/chart/SPY", "/VIX9D.csv", "/gone"), 1
    )
    assert not report.changed
    assert {index: days.tolist() for index, days in report.lacking.items()} == {"spy": AWAY, "vix9d": AWAY}
    assert list(report.away) == ["vix3m"]
    for name, column in report.history.bars.items():
        np.testing.assert_array_equal(column, there.bars[name])


def test_what_remains_of_a_hole_is_named_though_the_source_begins_after_it(server: FetchServer) -> None:
    recent = {day: prices for day, prices in spy_bars(SESSIONS).items() if day >= AWAY[40]}
    there = with_holes(server)
    report = fetch_history(with_others(server, spy=recent), lambda: EVENING, there)
    assert report.lacking["spy"].tolist() == AWAY[:40]
    assert np.isnan(report.history.bars["spy_close"]).nonzero()[0].tolist() == list(range(200, 240))


def test_a_bar_that_is_there_gains_an_instrument_though_spx_is_not_in_the_source(server: FetchServer) -> None:
    there = with_holes(server).slice(0, len(SESSIONS) - 1)
    given = with_others(server)
    server.serve("/chart/%5EGSPC", spx_chart(spx_bars(SESSIONS[-1:])))
    report = fetch_history(given, lambda: EVENING, there)
    assert report.added.tolist() == SESSIONS[-1:]
    assert report.filled.tolist() == AWAY


def test_holes_before_the_start_that_was_asked_for_stay(server: FetchServer) -> None:
    there = with_holes(server)
    report = fetch_history(with_others(server), lambda: EVENING, there, start=AWAY[30])
    assert report.filled.tolist() == AWAY[30:]


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


def test_a_slip_in_an_optional_price_counts_as_absent_as_it_does_in_files(server: FetchServer, tmp_path: Path) -> None:
    """Cboe's file has a VIX open of 2.58 in 2004."""
    slipped = {SESSIONS[3]: (2.58, 22.0, 21.0, 21.5), SESSIONS[4]: (21.0, 2200.0, 21.0, 21.5)}
    history = fetched(server, start=FIRST, vix=vix_bars(SESSIONS) | slipped).history
    assert math.isnan(history.vix_open[3])
    assert math.isnan(history.bars["vix_high"][4])
    assert history.has_bar.all()
    write_market_csv(history, tmp_path / "bars.csv")
    again = read_market_csv(tmp_path / "bars.csv")
    for name, column in history.columns.items():
        np.testing.assert_array_equal(again.columns[name], column)


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


ODD = SESSIONS[-3]
STRANGE_INSTRUMENTS = {
    "VIX9D of 900": (
        "vix9d",
        {"vix9d": vix_bars(SESSIONS) | {ODD: (18.0, 19.0, 17.0, 900.0)}},
        f"a VIX9D close of 900 on {ODD}, outside 1 to 400; name another copy with --vix9d-url",
    ),
    "SPY misprinted": (
        "spy",
        {"spy": spy_bars(SESSIONS) | {ODD: (490.0, 560.0, 480.0, 552.0)}},
        f"at 552 on {ODD}, a move of +13.2% where SPX moved by +0.0%: are all of these SPY bars, on one scale?; name",
    ),
    "SPY's open below its low": (
        "spy",
        {"spy": spy_bars(SESSIONS) | {ODD: (480.0, 490.0, 485.0, 487.0)}},
        f"a SPY low of 485 on {ODD}, above its open of 480; name another copy with --spy-url",
    ),
    "SPY on another scale, with no common close": (
        "spy",
        {"spy": dict.fromkeys(SESSIONS[-6:], (200.0, 201.0, 199.0, 200.0))},
        f"at 200 on {SESSIONS[-6]}, a move of -59.0%",
    ),
}


@pytest.mark.parametrize(("index", "bars", "why"), STRANGE_INSTRUMENTS.values(), ids=STRANGE_INSTRUMENTS)
def test_bars_that_cannot_be_an_optional_instruments_are_left_out_and_the_rest_arrives(
    server: FetchServer, index: str, bars: dict[str, Bars], why: str
) -> None:
    there = fetch_history(with_others(server), lambda: EVENING, start=FIRST, end=SESSIONS[-7]).history
    report = fetch_history(with_others(server, **bars), lambda: EVENING, there)  # type: ignore[arg-type]
    assert report.added.tolist() == SESSIONS[-6:]
    assert why in report.away[index]
    assert index not in report.lacking
    last = {name: report.history.bars[f"{name}_close"][-6:] for name in ("spx", "vix", "spy", "vix9d")}
    assert [name for name, closes in last.items() if np.isnan(closes).all()] == [index]
    before = f"{index}_close"
    np.testing.assert_array_equal(report.history.bars[before][: len(there)], there.bars[before])
    healed = fetch_history(with_others(server), lambda: EVENING, report.history)
    assert healed.filled.tolist() == SESSIONS[-6:]


def test_an_instrument_that_was_strange_before_does_not_keep_new_bars_out(server: FetchServer) -> None:
    there = fetch_history(with_others(server), lambda: EVENING, start=FIRST, end=SESSIONS[-7]).history
    there.bars["spy_close"][500] *= 2
    report = fetch_history(with_others(server), lambda: EVENING, there)
    assert "spy" not in report.away
    assert not np.isnan(report.history.bars["spy_close"]).any()


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

    monkeypatch.setattr(csv_file, "write_market_csv", full)
    with pytest.raises(MarketDataError, match=r"market\.csv: No space left on device"):
        replace_market_csv(sample, path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["as it was"]


def test_a_link_stays_a_link(tmp_path: Path, sample: MarketHistory) -> None:
    link = tmp_path / "link.csv"
    (tmp_path / "real.csv").touch()
    link.symlink_to("real.csv")
    replace_market_csv(sample, link)
    assert link.is_symlink()
    assert len(read_market_csv(tmp_path / "real.csv")) == len(sample)
