"""What whoever is on call reads: metrics, and one line a request with its id, bot and model version."""

from __future__ import annotations

import json
import re
from typing import Any

import urllib3
from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes import AdvisorProcess, StartProcess, query, wait_until

ADVICE = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z", "bot": "north"}
OUTCOME = {"trade_id": "t-1", "trade_date": "2018-12-03", "outcome": "MAX_PROFIT", "net_pnl": 4242.5}


def metrics(service: AdvisorProcess) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    reply = service.request("GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(reply.data.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(service: AdvisorProcess, name: str, **labels: str) -> float:
    return metrics(service).get((name, frozenset(labels.items())), 0.0)


def log_lines(service: AdvisorProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.log.splitlines() if line.startswith("{")]


def test_advice_outcomes_model_and_bars_are_counted(ready_service: AdvisorProcess) -> None:
    for _ in range(3):
        ready_service.request("POST", "/advice", ADVICE)
    ready_service.request("POST", "/outcomes", OUTCOME)
    ready_service.request("POST", "/outcomes", OUTCOME)
    counted = metrics(ready_service)
    advice = {labels: n for (name, labels), n in counted.items() if name == "advisor_advice_total"}
    assert list(advice.values()) == [3]
    assert value(ready_service, "advisor_outcomes_total", status="recorded") == 1
    assert value(ready_service, "advisor_outcomes_total", status="duplicate") == 1
    route = {"method": "POST", "route": "/advice", "status": "200"}
    assert value(ready_service, "advisor_http_requests_total", **route) == 3
    assert value(ready_service, "advisor_ready") == 1
    assert value(ready_service, "advisor_database_up") == 1
    (model,) = [labels for (name, labels) in counted if name == "advisor_model_info"]
    assert ("version", "1.0.0") in model
    assert value(ready_service, "advisor_market_days_through_timestamp_seconds") == 1546232400
    wait_until(lambda: value(ready_service, "advisor_advice_log_waiting") == 0)


def test_paths_that_callers_make_up_are_one_series(live_service: AdvisorProcess) -> None:
    for path in ("/models/1.0.0", "/models/8.8.8", "/secret-1", "/secret-2"):
        live_service.request("GET", path)
    routes = {dict(labels).get("route") for _, labels in metrics(live_service)}
    assert "/models/{version}" in routes
    assert not [route for route in routes if route and re.search(r"secret|8\.8\.8", route)]


def test_without_a_model_it_is_not_ready(service: AdvisorProcess) -> None:
    assert value(service, "advisor_ready") == 0


def test_a_request_is_one_line_with_its_id_bot_and_model_version(ready_service: AdvisorProcess) -> None:
    reply = ready_service.request("POST", "/advice", ADVICE, headers={"x-request-id": "from-the-bot-1"})
    assert reply.headers["x-request-id"] == "from-the-bot-1"

    def lines() -> list[dict[str, Any]]:
        return [line for line in log_lines(ready_service) if line.get("request_id") == "from-the-bot-1"]

    wait_until(lines)  # a request is logged once its reply has left
    (line,) = lines()
    assert (line["event"], line["route"], line["status"]) == ("request", "/advice", 200)
    assert (line["bot"], line["model_version"]) == ("north", "1.0.0")
    assert line["milliseconds"] > 0


def test_an_id_that_is_no_id_is_replaced(live_service: AdvisorProcess) -> None:
    reply = live_service.request("GET", "/livez", headers={"x-request-id": "a b\x7f" + "c" * 100})
    assert re.fullmatch(r"[0-9a-f]{32}", reply.headers["x-request-id"])


def test_money_features_and_keys_are_in_no_line(start_process: StartProcess, database_url: str) -> None:
    key = "a-secret-that-is-long-enough"
    service = start_process("serve", database_url, ADVISOR_API_KEY=key, ADVISOR_LOG_LEVEL="DEBUG")
    service.request("POST", "/outcomes", OUTCOME)
    service.request("POST", "/outcomes", OUTCOME | {"net_pnl": "4242.5"})
    service.request("POST", "/advice", ADVICE | {"vix": 4242.5})
    urllib3.request("GET", f"{service.url}/models?key={key}", retries=False)
    query(database_url, "ALTER TABLE ares_ml_outcomes RENAME TO elsewhere")
    failed = service.request("POST", "/outcomes", OUTCOME, headers={"x-request-id": "fails-1"})
    assert failed.status == 500
    assert failed.headers["x-request-id"] == failed.json()["request_id"] == "fails-1"
    route = {"method": "POST", "route": "/outcomes", "status": "500"}
    assert value(service, "advisor_http_requests_total", **route) == 1
    events = [line["event"] for line in log_lines(service) if line.get("request_id") == "fails-1"]
    assert events == ["unexpected_error", "request"]
    assert service.stop() == 0
    assert "4242" not in service.log
    assert key not in service.log
