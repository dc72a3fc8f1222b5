"""Fair credits and quotes over real HTTP: what they are worth, what they decide, and what bad ones get."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from kronos.condor.spec import SD_MULTIPLIERS
from kronos.condor.strikes import expected_move
from kronos.model.fair_value import FairValue
from kronos.model.model import Model
from tests.support.processes import wait_until
from tests.support.running_service import RunningService

AT_ENTRY = {"vix": 20.0, "price": 2530.0, "as_of": "2019-01-02T09:35:00-05:00"}
FEES = 0.026


def advise(service: RunningService, **fields: Any) -> dict[str, Any]:
    response = service.request("POST", "/advice", AT_ENTRY | fields)
    assert response.status == 200, response.data
    return dict(response.json())


def listed_fair(service: RunningService, **fields: Any) -> float:
    """The fair credit of the condor that can be sold."""
    (quote,) = advise(service, credit_points=1.0, **fields)["quotes"]
    return float(quote["fair_credit_points"])


def test_every_reply_prices_the_whole_curve(live_service: RunningService, model: Model) -> None:
    reply = advise(live_service)
    fair = [point["fair_credit_points"] for point in reply["curve"]]
    curve = [point["win_probability"] for point in reply["curve"]]
    move = expected_move(2530.0, 20.0, 1)
    expected = FairValue(model.multipliers, np.array(curve), model.loss_shape, move).credit_points(SD_MULTIPLIERS, 10.0)
    assert fair == pytest.approx(expected.tolist(), abs=1e-9)
    assert fair == sorted(fair, reverse=True)
    assert reply["wing_points"] == 10.0
    assert reply["fair_credit_points"] == pytest.approx(fair[4])
    for point in reply["curve"]:
        loss = point["fair_credit_points"] / (1 - point["win_probability"])
        assert point["breakeven_win_probability"] == pytest.approx(point["win_probability"] + FEES / loss)
    assert reply["breakeven_win_probability"] == pytest.approx(reply["curve"][4]["breakeven_win_probability"])
    assert (reply["quotes"], reply["expected_pnl_points"], reply["edge_points"]) == ([], None, None)


def test_wider_wings_cost_more(live_service: RunningService) -> None:
    fairs = [advise(live_service, wing_points=wing)["fair_credit_points"] for wing in (5.0, 10.0, 25.0, 100.0)]
    assert fairs == sorted(fairs)
    assert fairs[0] < fairs[1] / 1.3
    assert advise(live_service, wing_points=25.0)["wing_points"] == 25.0


def test_a_quote_is_valued_and_more_credit_is_worth_more(live_service: RunningService) -> None:
    fair = listed_fair(live_service)
    replies = [advise(live_service, credit_points=round(fair + over, 4)) for over in (-0.2, 0.0, 0.1, 0.4)]
    for reply in replies:
        (quote,) = reply["quotes"]
        credit = quote["credit_points"]
        assert quote["fair_credit_points"] == pytest.approx(fair)
        assert quote["edge_points"] == reply["edge_points"] == pytest.approx(credit - fair)
        assert quote["expected_pnl_points"] == reply["expected_pnl_points"] == pytest.approx((credit - fair) / 2 - FEES)
        loss = fair / (1 - quote["win_probability"])
        assert reply["breakeven_win_probability"] == pytest.approx(max(1 - (credit - FEES) / loss, 0))
        assert reply["fair_credit_points"] > fair
    values = [reply["expected_pnl_points"] for reply in replies]
    assert all(low < high for low, high in pairwise(values))


def test_a_quote_only_makes_the_trade_smaller(live_service: RunningService) -> None:
    without = advise(live_service)
    assert without["advice"] == "TRADE_FULL"
    fair = listed_fair(live_service)
    poor = advise(live_service, credit_points=round(fair, 4))
    assert (poor["advice"], poor["suggested_risk_pct"], poor["risk_fraction"]) == ("SKIP_TODAY", 0.0, 0.0)
    thin = advise(live_service, credit_points=round(fair + 2 * FEES + 0.002, 4))
    assert thin["advice"] == "TRADE_FULL"
    assert 0 < thin["suggested_risk_pct"] < without["suggested_risk_pct"]
    rich = advise(live_service, credit_points=round(fair + 0.4, 4))
    assert rich["suggested_risk_pct"] == without["suggested_risk_pct"]
    for reply in (poor, thin, rich):
        assert reply["suggested_sd_multiplier"] == 1.0
        assert reply["win_probability"] == without["win_probability"]


def test_a_table_values_every_multiplier_and_the_one_asked_for_decides(live_service: RunningService) -> None:
    table = [{"sd_multiplier": at, "credit_points": credit} for at, credit in ((0.8, 0.01), (1.0, 1.4), (1.25, 0.6))]
    fair = listed_fair(live_service)
    table[1]["credit_points"] = round(fair + 0.3, 4)
    reply = advise(live_service, credit_points=table)
    assert [quote["sd_multiplier"] for quote in reply["quotes"]] == [0.8, 1.0, 1.25]
    assert reply["advice"] == "TRADE_FULL"
    assert reply["edge_points"] == pytest.approx(0.3, abs=1e-4)
    other = advise(live_service, credit_points=table, sd_multiplier=0.8)
    assert other["advice"] == "SKIP_TODAY"
    unquoted = advise(live_service, credit_points=table, sd_multiplier=1.1)
    assert unquoted["expected_pnl_points"] is None
    assert "no_quote_here" in unquoted["reasons"]
    nearly = advise(live_service, credit_points=table, sd_multiplier=0.7 + 0.1)
    assert nearly["expected_pnl_points"] is not None
    assert unquoted["advice"] == advise(live_service, sd_multiplier=1.1)["advice"]


def test_a_quote_too_good_to_be_true_is_named_and_caps_the_advice(live_service: RunningService) -> None:
    without = advise(live_service)
    fair = listed_fair(live_service)
    reply = advise(live_service, credit_points=round(max(3 * fair, fair + 0.5) + 0.05, 4))
    assert reply["status"] == "degraded"
    assert "implausible_quote" in reply["reasons"]
    assert reply["advice"] == "TRADE_REDUCED"
    assert reply["suggested_risk_pct"] < without["suggested_risk_pct"]


@pytest.mark.parametrize(("price", "vix"), [(75.0, 5.0), (60.0, 5.0), (10.0, 10.0), (1.0, 200.0), (900_000.0, 5.0)])
def test_a_quote_far_from_everything_is_answered(live_service: RunningService, price: float, vix: float) -> None:
    """Listed strikes may stand so far out that no loss can be priced."""
    (quote,) = advise(live_service, price=price, vix=vix, credit_points=0.5)["quotes"]
    assert 0 <= quote["breakeven_win_probability"] <= 1


def test_a_quote_elsewhere_that_is_too_good_is_named_too(live_service: RunningService) -> None:
    table = [{"sd_multiplier": 0.9, "credit_points": 9.0}, {"sd_multiplier": 1.0, "credit_points": 1.0}]
    reply = advise(live_service, credit_points=table)
    assert "implausible_quote_elsewhere" in reply["reasons"]
    assert reply["status"] == "ok"


def test_a_quote_is_for_listed_strikes_and_valued_there(live_service: RunningService, model: Model) -> None:
    """Rounded away from the price: the condor that can be sold stands farther out, and pays less."""
    reply = advise(live_service, credit_points=0.9)
    (quote,) = reply["quotes"]
    move = expected_move(2530.0, 20.0, 1)
    put, call = quote["put_short_strike"], quote["call_short_strike"]
    assert (put % 5, call % 5) == (0, 0)
    assert 0 <= 2530 - move - put < 5
    assert 0 <= call - 2530 - move < 5
    curve = np.array([point["win_probability"] for point in reply["curve"]])
    put_at, call_at = (2530 - put) / move, (call - 2530) / move
    fair = FairValue(model.multipliers, curve, model.loss_shape, move).credit_points(put_at, 10.0, call_at)
    assert quote["fair_credit_points"] == pytest.approx(float(fair[0]))
    won = model.loss_shape.win_probability(put_at, call_at, model.multipliers, curve)
    assert quote["win_probability"] == pytest.approx(won)


@pytest.mark.parametrize("risk", [0, 0.5, 1.0, 3.0, 50.0])
def test_the_bots_own_risk_is_never_exceeded(live_service: RunningService, risk: float) -> None:
    reply = advise(live_service, risk_per_trade_pct=risk)
    assert 0 <= reply["suggested_risk_pct"] <= risk
    assert reply["risk_fraction"] == pytest.approx(reply["suggested_risk_pct"] / risk if risk else 0.0)
    assert reply["advice"] == "TRADE_FULL"


def test_the_decision_stands_relative_to_the_recent_win_rate(live_service: RunningService) -> None:
    """The reply says it, so that nobody has to guess why a day is skipped."""
    reply = advise(live_service)
    assert 0.6 < reply["recent_rate"] < 1
    assert "no_recent_rate" not in reply["reasons"]


def test_without_bars_there_is_no_recent_rate_and_it_says_so(service: RunningService, artefact: bytes) -> None:
    assert service.request("POST", "/models", body=artefact).status == 201
    wait_until(service.ready)
    reply = advise(service)
    assert reply["recent_rate"] is None
    assert "no_recent_rate" in reply["reasons"]
    assert reply["fair_credit_points"] > 0


BAD_QUOTES: dict[str, tuple[dict[str, Any], str]] = {
    "no credit": ({"credit_points": 0}, "credit_points"),
    "a negative credit": ({"credit_points": -0.5}, "credit_points"),
    "as wide as the wings": ({"credit_points": 5.0, "wing_points": 5.0}, "credit_points"),
    "wider than the model's wings": ({"credit_points": 10.5}, "credit_points"),
    "text": ({"credit_points": "0.85"}, "credit_points"),
    "an object": ({"credit_points": {"1.0": 0.85}}, "credit_points"),
    "an empty table": ({"credit_points": []}, "credit_points"),
    "a multiplier twice": (
        {"credit_points": [{"sd_multiplier": 1.0, "credit_points": one} for one in (0.8, 0.9)]},
        "credit_points",
    ),
    "a bad credit in a table": ({"credit_points": [{"sd_multiplier": 1.0, "credit_points": 0}]}, "credit_points"),
    "off the grid": ({"credit_points": [{"sd_multiplier": 2.0, "credit_points": 0.5}]}, "credit_points"),
    "no wings": ({"wing_points": 0}, "wing_points"),
    "hardly any wings": ({"wing_points": 5e-324}, "wing_points"),
    "wings below the step": ({"wing_points": 1.0}, "wing_points"),
    "wings off the step": ({"wing_points": 7.5}, "wing_points"),
    "negative wings": ({"wing_points": -5}, "wing_points"),
    "negative risk": ({"risk_per_trade_pct": -1}, "risk_per_trade_pct"),
    "more than everything": ({"risk_per_trade_pct": 101}, "risk_per_trade_pct"),
}


@pytest.mark.parametrize(("fields", "named"), BAD_QUOTES.values(), ids=BAD_QUOTES.keys())
def test_bad_quotes_are_422_and_named(live_service: RunningService, fields: dict[str, Any], named: str) -> None:
    response = live_service.request("POST", "/advice", AT_ENTRY | fields)
    assert response.status == 422, response.data
    wheres = [error["where"] for error in response.json()["errors"]]
    assert wheres
    assert all(where.startswith(f"body.{named}") for where in wheres)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999"])
@pytest.mark.parametrize("field", ["credit_points", "wing_points", "risk_per_trade_pct"])
def test_what_is_no_finite_number_is_422(live_service: RunningService, field: str, text: str) -> None:
    body = f'{{"vix": 16.0, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z", "{field}": {text}}}'
    response = live_service.request("POST", "/advice", body=body.encode(), headers={"content-type": "application/json"})
    assert response.status == 422
    assert response.json()["errors"][0]["where"].startswith(f"body.{field}")
