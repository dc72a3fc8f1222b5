"""`GET /outcomes`: by bot and dates, in pages that miss nothing and repeat nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.running_service import RunningService


@pytest.fixture
def reported(service: RunningService) -> RunningService:
    """Seven trades of one bot and three of another, a day apart."""
    trades = [
        {
            "bot": "south" if number % 3 == 2 else "north",
            "trade_id": f"t-{number}",
            "trade_date": f"2018-12-{10 + number}",
            "outcome": "MAX_PROFIT",
            "net_pnl": 0.1 + number,
            "features": {"vix": 16.4, "avg_pnl_30d": None},
        }
        for number in range(10)
    ]
    for trade in trades:
        assert service.request("POST", "/outcomes", trade).status == 201
    return service


def page(service: RunningService, **asked: Any) -> dict[str, Any]:
    reply = service.request("GET", "/outcomes", fields=asked)
    assert reply.status == 200, reply.data
    found: dict[str, Any] = reply.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [outcome["trade_id"] for outcome in found["outcomes"]]


def test_newest_records_come_first_with_money_as_numbers(reported: RunningService) -> None:
    found = page(reported)
    assert ids(found) == [f"t-{number}" for number in range(9, -1, -1)]
    assert found["next_cursor"] is None
    assert found["outcomes"][0]["net_pnl"] == 9.1
    assert found["outcomes"][0]["features"] == {"vix": 16.4, "avg_pnl_30d": None}
    assert found["outcomes"][0]["trained_in"] is None


def test_pages_miss_nothing_while_more_is_recorded(reported: RunningService) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for number in range(4):
        found = page(reported, limit=3, **cursor)
        seen += ids(found)
        late = {"trade_id": f"late-{number}", "trade_date": "2018-12-03", "outcome": "MAX_PROFIT", "net_pnl": 1}
        assert reported.request("POST", "/outcomes", late).status == 201
        if found["next_cursor"] is not None:
            cursor = {"cursor": found["next_cursor"]}
    assert seen == [f"t-{number}" for number in range(9, -1, -1)]
    assert found["next_cursor"] is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"bot": "south"}, ["t-8", "t-5", "t-2"]),
        ({"start": "2018-12-18"}, ["t-9", "t-8"]),
        ({"start": "2018-12-12", "end": "2018-12-13"}, ["t-3", "t-2"]),
        ({"bot": "nobody"}, []),
    ],
)
def test_filters(reported: RunningService, asked: dict[str, str], expected: list[str]) -> None:
    assert ids(page(reported, **asked)) == expected


@pytest.mark.parametrize(
    "asked",
    [
        {"cursor": "garbage"},
        {"cursor": "_________________"},
        {"cursor": "__________8"},
        {"limit": 0},
        {"limit": 501},
        {"start": "yesterday"},
        {"start": "1543622400"},
        {"bot": "a b"},
    ],
)
def test_bad_questions_are_422(live_service: RunningService, asked: dict[str, Any]) -> None:
    reply = live_service.request("GET", "/outcomes", fields=asked)
    assert reply.status == 422
    assert reply.headers["content-type"] == "application/problem+json"
