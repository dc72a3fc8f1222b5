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
    ],
    ids=["none", "Sunday", "Christmas", "twice", "zero", "null", "missing column", "unknown column", "low above high"],
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
