"""What whoever is on call reads: the metrics, and the id of a request."""

from __future__ import annotations

import re
from collections import defaultdict

from tests.support.metrics import metric, metrics
from tests.support.processes import wait_until
from tests.support.running_service import RunningService

ADVICE = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z", "bot": "north"}
OUTCOME = {"trade_id": "t-1", "trade_date": "2018-12-03", "outcome": "MAX_PROFIT", "net_pnl": 4242.5}


def test_advice_outcomes_model_and_bars_are_counted(ready_service: RunningService) -> None:
    for _ in range(3):
        ready_service.request("POST", "/advice", ADVICE)
    ready_service.request("POST", "/outcomes", OUTCOME)
    ready_service.request("POST", "/outcomes", OUTCOME)
    counted = metrics(ready_service)
    advice = {labels: n for (name, labels), n in counted.items() if name == "advisor_advice_total"}
    assert list(advice.values()) == [3]
    assert metric(ready_service, "advisor_outcomes_total", status="recorded") == 1
    assert metric(ready_service, "advisor_outcomes_total", status="duplicate") == 1
    route = {"method": "POST", "route": "/advice", "status": "200"}
    wait_until(lambda: metric(ready_service, "advisor_http_requests_total", **route) == 3)  # once the reply has left
    assert metric(ready_service, "advisor_ready") == 1
    assert metric(ready_service, "advisor_database_up") == 1
    (model,) = [labels for (name, labels) in counted if name == "advisor_model_info"]
    assert ("version", "1.0.0") in model
    assert metric(ready_service, "advisor_market_days_through_timestamp_seconds") == 1546232400
    wait_until(lambda: metric(ready_service, "advisor_advice_log_waiting") == 0)


def test_paths_that_callers_make_up_are_one_series(live_service: RunningService) -> None:
    for path in ("/models/1.0.0", "/models/8.8.8", "/secret-1", "/secret-2"):
        live_service.request("GET", path)
    by_route = wait_until(lambda: counted(live_service, "/models/{version}", 2) and counted(live_service, "(none)", 2))
    assert not [route for route in by_route if re.search(r"secret|8\.8\.8", route)]


def test_without_a_model_it_is_not_ready(service: RunningService) -> None:
    assert metric(service, "advisor_ready") == 0


def test_an_id_that_is_no_id_is_replaced(live_service: RunningService) -> None:
    reply = live_service.request("GET", "/livez", headers={"x-request-id": "a b\x7f" + "c" * 100})
    assert re.fullmatch(r"[0-9a-f]{32}", reply.headers["x-request-id"])


def counted(service: RunningService, route: str, least: int) -> dict[str, float]:
    """How many requests each route has had, once one has had so many."""
    requests: dict[str, float] = defaultdict(float)
    for (name, labels), value in metrics(service).items():
        if name == "advisor_http_requests_total":
            requests[dict(labels)["route"]] += value
    return requests if requests[route] >= least else {}
