"""Market days over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.in_process import InProcessService
from tests.support.processes import query
from tests.support.running_service import RunningService

BAR = {
    "date": "2018-12-31",
    "spx_open": 2498.94,
    "spx_high": 2509.24,
    "spx_low": 2482.82,
    "spx_close": 2506.85,
    "vix_close": 25.42,
}


def test_bars_are_inserted_then_replaced(service: RunningService) -> None:
    first = service.request("PUT", "/market-days", {"days": [BAR]})
    assert first.status == 200
    assert first.json() == {"stored": 1, "first": "2018-12-31", "last": "2018-12-31", "sessions": 1}
    service.request("PUT", "/market-days", {"days": [BAR | {"vix_close": 26.0, "vix_open": 27.59}]})
    (row,) = query(service.database_url, "SELECT vix_close, vix_open FROM market_days")
    assert tuple(row) == (26.0, 27.59)


def test_a_bar_without_optional_values_leaves_those_that_are_stored(service: RunningService) -> None:
    """A sender that does not know SPY does not take it away."""
    others = {"vix_open": 27.59, "spy_open": 249.5, "spy_close": 249.9, "vix9d_close": 27.5, "vix3m_close": 24.2}
    others |= {"vix1d_close": 19.5}
    assert service.request("PUT", "/market-days", {"days": [BAR | others]}).status == 200
    assert (
        service.request("PUT", "/market-days", {"days": [BAR | {"spx_close": 2507.0, "spy_close": None}]}).status == 200
    )
    (row,) = query(service.database_url, f"SELECT spx_close, {', '.join(others)} FROM market_days")
    assert tuple(row) == (2507.0, *others.values())


def test_an_instrument_is_replaced_as_a_whole(service: RunningService) -> None:
    """Half a bar of one source and half of another would be no bar."""
    spy = {"spy_open": 223.83, "spy_high": 224.39, "spy_low": 221.95, "spy_close": 224.15}
    assert service.request("PUT", "/market-days", {"days": [BAR | spy]}).status == 200
    assert service.request("PUT", "/market-days", {"days": [BAR | {"spy_close": 249.92}]}).status == 200
    (row,) = query(service.database_url, f"SELECT {', '.join(spy)} FROM market_days")
    assert tuple(row) == (None, None, None, 249.92)


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"spy_open": 200.0, "spy_close": 223.0}, "put SPX's open at 2248.30"),
        ({"spy_close": 150.0}, "SPY closes at 222 on 2018-12-28 and at 150 on 2018-12-31"),
        ({"spy_low": 230.0, "spy_open": 224.0, "spy_close": 225.0}, "a SPY low of 230"),
        ({"spx_high": 3600.0, "spx_close": 3506.85}, "further than it can move in a day"),
    ],
    ids=["half adjusted", "another scale", "low above open", "SPX jumps"],
)
def test_bars_that_cannot_be_true_beside_the_others_are_refused(
    service: RunningService, spoiled: dict[str, float], said: str
) -> None:
    before = BAR | {
        "date": "2018-12-28",
        "spx_close": 2485.74,
        "spx_low": 2472.0,
        "spx_high": 2520.0,
        "spy_close": 222.0,
    }
    assert service.request("PUT", "/market-days", {"days": [before]}).status == 200
    response = service.request("PUT", "/market-days", {"days": [BAR | spoiled]})
    assert (response.status, response.json()["title"]) == (422, "Implausible bars")
    assert said in response.json()["detail"]
    assert len(query(service.database_url, "SELECT 1 FROM market_days")) == 1


@pytest.mark.parametrize(
    "days",
    [
        [],
        [BAR | {"date": "2018-12-30"}],
        [BAR | {"date": "2018-12-25"}],
        [BAR, BAR],
        [BAR | {"spx_close": 0}],
        [BAR | {"vix_close": None}],
        [{name: value for name, value in BAR.items() if name != "spx_low"}],
        [BAR | {"volume": 1}],
        [BAR | {"spx_low": 2600.0}],
        [BAR | {"spx_open": 2480.0}],
        [BAR | {"spx_close": 2512.0}],
        [BAR | {"vix9d_low": 20.0, "vix9d_high": 19.0}],
        [BAR | {"spy_open": 0}],
        [BAR | {"vix1d_close": 401}],
    ],
    ids=[
        "none",
        "Sunday",
        "Christmas",
        "twice",
        "zero",
        "null",
        "missing column",
        "unknown column",
        "low above high",
        "open below low",
        "close above high",
        "VIX9D's low above its high",
        "SPY of zero",
        "VIX1D too high",
    ],
)
def test_a_request_with_a_bad_bar_stores_none(live_service: RunningService, days: list[dict[str, Any]]) -> None:
    before = query(live_service.database_url, "SELECT count(*), max(updated_at) FROM market_days")
    good = BAR | {"date": "2018-12-28"}
    response = live_service.request("PUT", "/market-days", {"days": [*days, good] if days else days})
    assert response.status == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert query(live_service.database_url, "SELECT count(*), max(updated_at) FROM market_days") == before


def test_beyond_the_session_list_bars_are_refused_with_the_reason(database_url: str, tmp_path: Path) -> None:
    later = InProcessService(database_url, tmp_path, clock=lambda: datetime(2031, 6, 2, 15, tzinfo=UTC)).start()
    try:
        response = later.request("PUT", "/market-days", {"days": [BAR]})
        assert (response.status, response.json()["title"]) == (422, "Outside the session list")
        assert "upgrade the advisor" in response.json()["detail"]
    finally:
        later.stop()


def test_a_session_that_has_not_settled_has_no_bar_yet(live_service: RunningService) -> None:
    response = live_service.request("PUT", "/market-days", {"days": [BAR, BAR | {"date": "2030-12-30"}]})
    assert response.status == 422
    assert "have settled" in response.json()["detail"]
