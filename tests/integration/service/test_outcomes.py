"""Outcomes over real HTTP: durable, once each, item by item."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from service.db.engine import create_engine, transaction
from service.outcomes.repository import OutcomeRepository
from service.retrain.repository import RetrainRepository
from tests.support.processes import query
from tests.support.running_service import RunningService
from tests.support.settings import settings_of

TRADE = {
    "bot": "ares",
    "trade_id": "t-1",
    "trade_date": "2018-12-03",
    "outcome": "MAX_PROFIT",
    "net_pnl": 142.5,
    "features": {"vix": 16.4, "price": 2790.5, "avg_pnl_30d": None},
    "sd_multiplier": 1.0,
}


def rows(service: RunningService) -> list[Any]:
    return query(service.database_url, "SELECT * FROM ares_ml_outcomes ORDER BY id")


def test_the_same_trade_twice_is_one_row(service: RunningService) -> None:
    first = service.request("POST", "/outcomes", TRADE)
    assert (first.status, first.json()["status"]) == (201, "recorded")
    again = service.request("POST", "/outcomes", dict(reversed(TRADE.items())))
    assert (again.status, again.json()["status"]) == (200, "duplicate")
    (row,) = rows(service)
    assert row["net_pnl"] == Decimal("142.5000")


def test_a_restarted_bot_that_knows_other_running_figures_reports_the_same_trade(service: RunningService) -> None:
    service.request("POST", "/outcomes", TRADE)
    again = TRADE | {"features": {"vix": 16.4, "price": 2790.5, "avg_pnl_30d": 12.0}}
    assert service.request("POST", "/outcomes", again).json()["status"] == "duplicate"
    assert len(rows(service)) == 1


def test_minus_zero_is_zero(service: RunningService) -> None:
    assert service.request("POST", "/outcomes", TRADE | {"net_pnl": -0.0}).status == 201
    assert service.request("POST", "/outcomes", TRADE | {"net_pnl": 0}).json()["status"] == "duplicate"


@pytest.mark.parametrize(
    ("day", "flags"),
    [
        ("2018-12-02", ["not_a_session"]),
        ("2030-12-30", ["in_the_future"]),
        ("9999-12-31", ["not_a_session", "in_the_future"]),
    ],
)
def test_an_impossible_trade_date_is_stored_and_flagged(service: RunningService, day: str, flags: list[str]) -> None:
    response = service.request("POST", "/outcomes", TRADE | {"trade_date": day})
    assert response.status == 201
    assert response.json()["flags"] == flags


def test_the_same_trade_with_another_pnl_is_a_conflict_and_the_first_stays(service: RunningService) -> None:
    service.request("POST", "/outcomes", TRADE)
    response = service.request("POST", "/outcomes", TRADE | {"net_pnl": -857.5})
    assert response.status == 409
    assert response.headers["content-type"] == "application/problem+json"
    (row,) = rows(service)
    assert row["net_pnl"] == Decimal("142.5000")


def test_several_trades_a_day_and_bots_with_the_same_ids_are_all_kept(service: RunningService) -> None:
    for change in ({}, {"trade_id": "t-2"}, {"bot": "other"}):
        assert service.request("POST", "/outcomes", TRADE | change).status == 201
    assert len(rows(service)) == 3


def test_a_batch_is_answered_item_by_item_in_order(service: RunningService) -> None:
    service.request("POST", "/outcomes", TRADE)
    batch = [
        TRADE | {"trade_id": "new"},
        TRADE,
        TRADE | {"net_pnl": 1.0},
        TRADE | {"trade_id": "bad", "outcome": "SORT_OF_PROFIT"},
        "not an object",
        TRADE | {"trade_id": "new"},
        TRADE | {"trade_id": "new", "net_pnl": 2.0},
    ]
    response = service.request("POST", "/outcomes", {"outcomes": batch})
    assert response.status == 200
    assert [result["status"] for result in response.json()["results"]] == [
        "recorded",
        "duplicate",
        "conflict",
        "invalid",
        "invalid",
        "duplicate",
        "conflict",
    ]
    assert [row["trade_id"] for row in rows(service)] == ["t-1", "new"]


def test_many_senders_of_the_same_trades_make_each_row_once(service: RunningService) -> None:
    trades = [TRADE | {"trade_id": f"t-{number}"} for number in range(100)]
    batches = [trades, trades[::-1], trades[50:] + trades[:50]] * 4
    with ThreadPoolExecutor(12) as senders:
        responses = list(senders.map(lambda batch: service.request("POST", "/outcomes", {"outcomes": batch}), batches))
    assert {response.status for response in responses} == {200}
    statuses = [result["status"] for response in responses for result in response.json()["results"]]
    assert statuses.count("recorded") == 100
    assert statuses.count("duplicate") == 1100
    assert len(rows(service)) == 100


BAD_TRADES: dict[str, dict[str, Any]] = {
    "unknown outcome": {"outcome": "DOUBLE_PROFIT"},
    "impossible date": {"trade_date": "2018-02-30"},
    "date as number": {"trade_date": 20181203},
    "date as digits": {"trade_date": "1543795200"},
    "pnl text": {"net_pnl": "142.5"},
    "pnl too large": {"net_pnl": 1e12},
    "pnl bool": {"net_pnl": True},
    "unknown field": {"surprise": 1},
    "empty trade id": {"trade_id": ""},
    "trade id with NUL": {"trade_id": "a\0b"},
    "feature text": {"features": {"vix": "high"}},
    "multiplier 0": {"sd_multiplier": 0},
}


@pytest.mark.parametrize("change", BAD_TRADES.values(), ids=BAD_TRADES.keys())
def test_a_bad_trade_is_refused_and_not_stored(live_service: RunningService, change: dict[str, Any]) -> None:
    trade = TRADE | {"trade_id": "never-stored"} | change
    response = live_service.request("POST", "/outcomes", trade)
    assert response.status == 422
    assert response.headers["content-type"] == "application/problem+json"
    single = live_service.request("POST", "/outcomes", {"outcomes": [trade]}).json()["results"][0]
    assert single["status"] == "invalid"
    assert not query(live_service.database_url, "SELECT 1 FROM ares_ml_outcomes WHERE trade_id = 'never-stored'")


@pytest.mark.parametrize("size", [0, 101])
def test_a_batch_has_1_to_100_trades(live_service: RunningService, size: int) -> None:
    batch = [TRADE | {"trade_id": f"size-{number}"} for number in range(size)]
    assert live_service.request("POST", "/outcomes", {"outcomes": batch}).status == 422


def test_more_outcomes_than_a_statement_has_arguments_are_marked_as_trained(database_url: str) -> None:
    count = 33_000
    query(
        database_url,
        "INSERT INTO ares_ml_outcomes (bot, trade_id, content_sha256, trade_date, outcome, net_pnl, features) "
        "SELECT 'ares', n::text, ''::bytea, '2018-12-03', 'MAX_PROFIT', 1, '{}' FROM generate_series(1, $1) n",
        count,
    )
    assert asyncio.run(mark_all_trained(database_url)) == count
    assert query(database_url, "SELECT count(*) AS n FROM ares_ml_outcomes WHERE trained_in IS NULL")[0]["n"] == 0


async def mark_all_trained(database_url: str) -> int:
    engine = create_engine(settings_of(database_url), patient=True)
    run_id = uuid4()
    async with transaction(async_sessionmaker(engine)) as session:
        runs, outcomes = RetrainRepository(session), OutcomeRepository(session)
        await runs.insert(run_id, forced=False, min_new_samples=0, new_outcomes=0, requested_by=None)
        known = await outcomes.to_train_with(date(2018, 12, 31))
        await outcomes.mark_trained([one.id for one in known if one.is_new], run_id)
    await engine.dispose()
    return len(known)
