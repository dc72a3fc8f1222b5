"""A reported label that the settlement contradicts is stored and flagged, whichever of the two comes first."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.paths import FIXTURES
from tests.support.processes import query, wait_until
from tests.support.running_service import RunningService

BREACHED: dict[str, Any] = {"trade_date": "2018-12-04", "net_pnl": 95.0, "features": {"vix": 16.44, "price": 2782.43}}
"""On 2018-12-04 SPX fell by 3.0 % from its open: the put was breached."""


def flags(service: RunningService, trade_id: str) -> list[str]:
    (row,) = query(service.database_url, "SELECT flags FROM ares_ml_outcomes WHERE trade_id = $1", trade_id)
    found: list[str] = row["flags"]
    return found


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("MAX_PROFIT", ["label_contradicted"]),
        ("PUT_BREACHED", []),
        ("CALL_BREACHED", ["side_contradicted"]),
        ("DOUBLE_BREACH", ["side_contradicted"]),
    ],
)
def test_with_the_bar_there_it_is_judged_at_once(
    ready_service: RunningService, outcome: str, expected: list[str]
) -> None:
    trade = BREACHED | {"trade_id": "judged", "outcome": outcome}
    reply = ready_service.request("POST", "/outcomes", trade)
    assert reply.status == 201
    assert reply.json()["flags"] == expected
    assert flags(ready_service, "judged") == expected


def test_reported_before_its_bar_it_is_judged_when_the_bar_comes(
    service: RunningService, sample_days: list[dict[str, Any]]
) -> None:
    trade = BREACHED | {"trade_id": "early", "outcome": "MAX_PROFIT"}
    assert service.request("POST", "/outcomes", trade).json()["flags"] == []
    honest = trade | {"trade_id": "honest", "outcome": "PUT_BREACHED"}
    service.request("POST", "/outcomes", honest)
    bars = [day for day in sample_days if day["date"] >= "2018-12-03"]
    assert service.request("PUT", "/market-days", {"days": bars}).status == 200
    assert flags(service, "early") == ["label_contradicted"]
    assert flags(service, "honest") == []
    again = service.request("POST", "/outcomes", trade).json()
    assert (again["status"], again["flags"]) == ("duplicate", ["label_contradicted"])
    mended = [day | {"spx_close": 2780.0} for day in bars if day["date"] == "2018-12-04"]
    service.request("PUT", "/market-days", {"days": mended})
    assert flags(service, "early") == []
    assert flags(service, "honest") == ["label_contradicted"]


def test_reports_and_bars_judge_by_the_price_that_an_older_champion_means(
    service: RunningService, sample_days: list[dict[str, Any]]
) -> None:
    """It was trained at SPX's printed opens: whichever comes first, the open that SPY implies plays no part."""
    old = (FIXTURES / "format_2.ares").read_bytes()
    assert service.request("POST", "/models", body=old).status == 201
    query(
        service.database_url, "UPDATE model_versions SET manifest = manifest #- '{spec,label}'"
    )  # as it was stored then
    wait_until(service.ready)
    (day,) = (day | {"spx_open": day["spx_low"]} for day in sample_days if day["date"] == "2018-12-04")
    trade = BREACHED | {"trade_id": "printed", "outcome": "PUT_BREACHED", "features": {"vix": 16.44}}
    flagged = ["label_contradicted"]
    assert service.request("PUT", "/market-days", {"days": [day]}).status == 200
    wait_until(lambda: service.request("GET", "/readyz").json()["market_days_through"] == day["date"])
    assert service.request("POST", "/outcomes", trade).json()["flags"] == flagged, "nothing was breached from the print"
    assert service.request("PUT", "/market-days", {"days": [day]}).status == 200
    assert flags(service, "printed") == flagged


def test_the_bar_outweighs_the_settlement_that_is_reported(ready_service: RunningService) -> None:
    trade = BREACHED | {"trade_id": "own-settlement", "outcome": "MAX_PROFIT", "settlement_price": 2782.0}
    reply = ready_service.request("POST", "/outcomes", trade).json()
    assert reply["flags"] == ["settlement_contradicted", "label_contradicted"]


def test_without_a_bar_the_reported_settlement_judges(service: RunningService) -> None:
    trade = BREACHED | {"trade_id": "no-bar", "outcome": "MAX_PROFIT", "settlement_price": 2700.0}
    assert service.request("POST", "/outcomes", trade).json()["flags"] == ["label_contradicted"]


def test_what_lies_between_exact_and_listed_strikes_contradicts_nothing(service: RunningService) -> None:
    """Shorts at 1.0 stand at 2753.6; those listed at 2750."""
    for outcome, settlement, expected in (
        ("MAX_PROFIT", 2752.0, []),
        ("PUT_BREACHED", 2752.0, []),
        ("MAX_PROFIT", 2749.0, ["label_contradicted"]),
        ("PUT_BREACHED", 2755.0, ["label_contradicted"]),
    ):
        name = f"{outcome}-{settlement}"
        trade = BREACHED | {"trade_id": name, "outcome": outcome, "settlement_price": settlement}
        assert service.request("POST", "/outcomes", trade).json()["flags"] == expected, name


def test_where_no_multiplier_is_reported_the_trade_stood_where_its_advice_suggested(
    ready_service: RunningService,
) -> None:
    """As the guide's bot does: it trades at the suggested multiplier and reports none."""
    price, vix = 25_100.0, 25.4
    asked = {"vix": vix, "price": price, "as_of": "2019-01-02T14:35:00Z", "sd_multiplier": 1.3}
    advice = ready_service.request("POST", "/advice", asked).json()
    suggested = advice["suggested_sd_multiplier"]
    assert suggested == 1.3
    wait_until(lambda: query(ready_service.database_url, "SELECT 1 FROM advice_log"))
    move = price * vix / 100 / 252**0.5
    trade = {
        "trade_date": "2019-01-02",
        "outcome": "MAX_PROFIT",
        "net_pnl": 95.0,
        "features": {"vix": vix, "price": price},
        "settlement_price": price + (1 + suggested) / 2 * move,
    }
    unadvised = {**trade, "trade_id": "unadvised", "bot": "other"}
    assert ready_service.request("POST", "/outcomes", unadvised).json()["flags"] == ["label_contradicted"]
    assert ready_service.request("POST", "/outcomes", {**trade, "trade_id": "guide"}).json()["flags"] == []
