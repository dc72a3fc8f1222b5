"""Advice over real HTTP: what is answered, from which features, and what bad input gets."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import urllib3

from ares_client.contract import CONTRACT_REVISION_HEADER
from kronos.condor.spec import SD_MULTIPLIERS
from kronos.features.variants import variant_named
from kronos.model.model import Model
from tests.support.metrics import metric
from tests.support.processes import query, wait_until
from tests.support.running_service import RunningService

AT_ENTRY = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T09:35:00-05:00"}


def advise(service: RunningService, **fields: Any) -> dict[str, Any]:
    response = service.request("POST", "/advice", AT_ENTRY | fields)
    assert response.status == 200, response.data
    return dict(response.json())


def test_without_a_model_it_is_503_and_readyz_says_why(service: RunningService) -> None:
    response = service.request("POST", "/advice", AT_ENTRY)
    assert response.status == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"]
    ready = service.request("GET", "/readyz")
    assert ready.status == 503
    assert "no model" in ready.json()["detail"]
    assert service.request("GET", "/livez").status == 200


def test_the_richest_variant_answers_and_explains_itself(live_service: RunningService) -> None:
    reply = advise(live_service)
    assert (reply["variant"], reply["variant_name"]) == ("full", "term")
    assert reply["status"] == "ok", reply["reasons"]
    assert reply["session"] == "2019-01-02"
    curve = [point["win_probability"] for point in reply["curve"]]
    assert curve == sorted(curve)
    assert reply["win_probability"] == curve[4]
    assert 0 < reply["win_probability"] < 1
    assert reply["features"]["vix"] == {"value": 25.4, "source": "request"}
    assert reply["features"]["vix_change_1d"]["source"] == "derived"
    assert reply["model_version"] == "1.0.0"


@pytest.mark.parametrize("asked", [{}, {"as_of": "2019-03-01T09:35:00-05:00"}, {"sd_multiplier": 1.5}])
def test_the_factors_add_up_to_the_log_odds_before_calibration(
    live_service: RunningService, model: Model, asked: dict[str, Any]
) -> None:
    reply = advise(live_service, **asked)
    factors = [factor["log_odds"] for factor in reply["top_factors"]]
    assert sorted(factors, key=abs, reverse=True) == factors
    assert {factor["feature"] for factor in reply["top_factors"]} == set(reply["features"])
    curve_model = model.variants[reply["variant_name"]].curve_model
    names = variant_named(reply["variant_name"]).feature_names
    values = np.array([[reply["features"][name]["value"] for name in names]])
    column = SD_MULTIPLIERS.index(reply["sd_multiplier"])
    assert reply["base_log_odds"] + sum(factors) == pytest.approx(curve_model.log_odds(values)[0, column], abs=1e-9)


def test_probability_is_read_at_the_multiplier_asked_for(live_service: RunningService) -> None:
    reply = advise(live_service, sd_multiplier=1.25)
    at_12, at_13 = (point["win_probability"] for point in reply["curve"][6:8])
    assert reply["win_probability"] == pytest.approx((at_12 + at_13) / 2, abs=1e-12)


def test_stale_bars_lead_to_a_smaller_variant_not_to_stale_features(live_service: RunningService) -> None:
    reply = advise(live_service, as_of="2019-03-01T09:35:00-05:00")
    assert reply["variant"] == "minimal"
    assert "reduced_variant" in reply["reasons"]
    assert set(reply["features"]) == {"vix", "day_of_week", "expected_move_pct"}


def test_given_features_fill_what_cannot_be_derived(live_service: RunningService) -> None:
    given = {"vix_percentile_30d": 50.0, "vix_change_1d": 0.0, "price_change_1d": 0.0, "win_rate_30d": 0.8}
    reply = advise(live_service, as_of="2019-03-01T09:35:00-05:00", **given)
    assert reply["variant"] == "market"
    assert reply["features"]["vix_percentile_30d"] == {"value": 50.0, "source": "request"}


def test_a_given_feature_that_disagrees_is_overruled_and_named(live_service: RunningService) -> None:
    reply = advise(live_service, vix_change_1d=1.0)
    assert "feature_mismatch" in reply["reasons"]
    assert reply["features"]["vix_change_1d"]["source"] == "derived"
    assert reply["features"]["vix_change_1d"]["value"] != 1.0


@pytest.mark.parametrize(
    ("announced", "variant"),
    [(None, "full"), ("1", "full"), ("2", "term"), ("17", "term"), ("two", "full"), ("-2", "full"), ("9" * 40, "full")],
)
def test_a_client_gets_only_the_variants_that_it_says_it_knows(
    live_service: RunningService, announced: str | None, variant: str
) -> None:
    """Whatever the header holds, it never costs an answer."""
    headers = {} if announced is None else {CONTRACT_REVISION_HEADER: announced}
    reply = live_service.request("POST", "/advice", AT_ENTRY, headers=headers).json()
    assert (reply["variant"], reply["variant_name"]) == (variant, "term")


def test_on_a_weekend_the_advice_is_for_the_next_session(live_service: RunningService) -> None:
    reply = advise(live_service, as_of="2018-12-29T12:00:00-05:00", day_of_week=5)
    assert reply["session"] == "2018-12-31"
    assert "not_a_session" in reply["reasons"]
    assert "feature_mismatch" not in reply["reasons"]


def test_old_training_data_degrades_and_never_trades_full(live_service: RunningService) -> None:
    reply = advise(live_service, vix=12.0, as_of="2026-03-02T09:35:00-05:00")
    assert reply["status"] == "degraded"
    assert "expired" in reply["reasons"]
    assert reply["advice"] != "TRADE_FULL"


def test_a_feature_outside_its_training_range_degrades(live_service: RunningService) -> None:
    reply = advise(live_service, vix=120.0)
    assert reply["status"] == "degraded"
    assert "out_of_domain" in reply["reasons"]
    assert reply["advice"] != "TRADE_FULL"


def test_every_answer_is_logged(ready_service: RunningService) -> None:
    reply = advise(ready_service, bot="ares-7")
    ready_service.stop()
    (row,) = query(ready_service.database_url, "SELECT * FROM advice_log WHERE bot = 'ares-7'")
    assert str(row["advice_id"]) == reply["advice_id"]
    assert row["win_probability"] == reply["win_probability"]
    assert json.loads(row["reply"])["curve"] == reply["curve"]


BAD_BODIES = {
    "vix 0": '{"vix": 0, "price": 2510}',
    "vix negative": '{"vix": -1, "price": 2510}',
    "vix NaN": '{"vix": NaN, "price": 2510}',
    "vix Infinity": '{"vix": Infinity, "price": 2510}',
    "vix overflow": '{"vix": 1e999, "price": 2510}',
    "vix text": '{"vix": "20", "price": 2510}',
    "vix bool": '{"vix": true, "price": 2510}',
    "price 0": '{"vix": 20, "price": 0}',
    "weekday 7": '{"vix": 20, "price": 2510, "day_of_week": 7}',
    "unknown field": '{"vix": 20, "price": 2510, "surprise": 1}',
    "missing field": '{"vix": 20}',
    "lone surrogate": '{"vix": 20, "price": 2510, "bot": "\\ud800"}',
    "naive time": '{"vix": 20, "price": 2510, "as_of": "2019-01-02T09:35:00"}',
    "time as number": '{"vix": 20, "price": 2510, "as_of": 1546439700}',
    "time as digits": '{"vix": 20, "price": 2510, "as_of": "1546439700"}',
    "tiny price": '{"vix": 20, "price": 1e-320}',
    "year 1800": '{"vix": 20, "price": 2510, "as_of": "1800-01-02T09:35:00Z"}',
    "year 9999": '{"vix": 20, "price": 2510, "as_of": "9999-12-31T23:59:59+00:00"}',
    "year 0001": '{"vix": 20, "price": 2510, "as_of": "0001-01-01T00:00:00+00:00"}',
    "huge integer": f'{{"vix": 20, "price": {"9" * 5000}}}',
    "nested deep": "[" * 10_000 + "]" * 10_000,
    "nested deep in a field": '{"vix": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "not JSON": "vix=20",
    "a list": "[1, 2]",
    "null": "null",
    "empty": "",
    "ten megabytes": '{"vix": 20, "price": 2510, "bot": "' + "x" * 10_000_000 + '"}',
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_bad_input_is_a_4xx_problem_that_stores_nothing(live_service: RunningService, body: str) -> None:
    wait_until(lambda: waiting_answers(live_service) == 0)  # of tests before this one
    before = query(live_service.database_url, "SELECT count(*) AS rows FROM advice_log")
    response = post_text(live_service, "/advice", body)
    assert 400 <= response.status < 500, response.data
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status
    assert problem["request_id"] == response.headers["x-request-id"]
    assert waiting_answers(live_service) == 0
    assert query(live_service.database_url, "SELECT count(*) AS rows FROM advice_log") == before


def test_a_problem_does_not_echo_what_was_sent(live_service: RunningService) -> None:
    response = post_text(live_service, "/advice", '{"vix": "secret-value", "price": "other-secret"}')
    assert b"secret" not in response.data


def test_a_problem_does_not_echo_names_that_the_caller_made_up(live_service: RunningService) -> None:
    response = post_text(live_service, "/advice", '{"vix": 20, "price": 2500, "secretname": 1}')
    assert response.status == 422
    assert b"secret" not in response.data


def waiting_answers(service: RunningService) -> float:
    """How many answers the log, which is written behind, has still to write."""
    return metric(service, "advisor_advice_log_waiting")


def post_text(service: RunningService, path: str, body: str) -> urllib3.BaseHTTPResponse:
    return service.request("POST", path, body=body.encode(), headers={"content-type": "application/json"})
