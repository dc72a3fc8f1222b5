"""What the server process writes to its log: one line a request, an error once, and neither money nor keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.metrics import metric
from tests.support.processes import AdvisorProcess, Databases, query, wait_until

KEY = "hunter2-key-of-some-length"
ADVICE = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z", "bot": "north"}
OUTCOME = {"trade_id": "t-1", "trade_date": "2018-12-03", "outcome": "MAX_PROFIT", "net_pnl": 4242.5}
BAR = {"date": "2018-12-31", "spx_open": 1, "spx_high": 1, "spx_low": 1, "spx_close": 1, "vix_close": 77.25}


@pytest.fixture(scope="module", params=["json", "console"])
def service(
    request: pytest.FixtureRequest,
    databases: Databases,
    ready_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[AdvisorProcess]:
    """One that logs everything, in either form."""
    settings = {"ADVISOR_API_KEY": KEY, "ADVISOR_LOG_LEVEL": "DEBUG", "ADVISOR_LOG_FORMAT": request.param}
    folder = tmp_path_factory.mktemp("logging")
    process = AdvisorProcess("serve", databases.make(ready_template), folder, settings).start()
    yield process
    assert process.stop() == 0


def lines_of(service: AdvisorProcess, request_id: str) -> list[str]:
    """What was logged of a request, once it is complete: its own line is the last, written when its reply has left."""

    def lines() -> list[str]:
        return [line for line in service.log.splitlines() if request_id in line]

    wait_until(lambda: any("milliseconds" in line for line in lines()))
    return lines()


def test_a_request_is_one_line_with_its_id_bot_and_model_version(service: AdvisorProcess) -> None:
    reply = service.request("POST", "/advice", ADVICE, headers={"x-request-id": "from-the-bot-1"})
    assert reply.headers["x-request-id"] == "from-the-bot-1"
    (text,) = lines_of(service, "from-the-bot-1")
    if service.settings["ADVISOR_LOG_FORMAT"] == "console":
        assert "/advice" in text
        return
    line: dict[str, Any] = json.loads(text)
    assert (line["event"], line["route"], line["status"]) == ("request", "/advice", 200)
    assert (line["bot"], line["model_version"]) == ("north", "1.0.0")
    assert line["milliseconds"] > 0


def test_an_unexpected_error_is_500_logged_once_and_without_the_values_sent(service: AdvisorProcess) -> None:
    query(service.database_url, "ALTER TABLE market_days RENAME TO elsewhere")
    try:
        response = service.request("PUT", "/market-days", {"days": [BAR]}, headers={"x-request-id": "fails-1"})
    finally:
        query(service.database_url, "ALTER TABLE elsewhere RENAME TO market_days")
    assert response.status == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == response.json()["request_id"] == "fails-1"
    error, request = lines_of(service, "fails-1")
    assert "unexpected_error" in error
    assert "unexpected_error" not in request
    assert "Exception in ASGI application" not in service.log
    assert "77.25" not in service.log
    failed = {"method": "PUT", "route": "/market-days", "status": "500"}
    wait_until(lambda: metric(service, "advisor_http_requests_total", **failed) == 1)


def test_money_features_and_keys_are_in_no_line(service: AdvisorProcess) -> None:
    url = service.database_url
    sent = [
        ("POST", "/outcomes", OUTCOME, 201),
        ("POST", "/outcomes", OUTCOME | {"net_pnl": "4242.5"}, 422),
        ("POST", "/advice", ADVICE | {"vix": 4242.5}, 422),
        ("GET", f"/models?key={KEY}", None, 200),
    ]
    for number, (method, path, body, status) in enumerate(sent):
        reply = service.request(method, path, body, headers={"x-request-id": f"kept-back-{number}"})
        assert reply.status == status, reply.data
    query(url, "ALTER TABLE ares_ml_outcomes RENAME TO elsewhere")
    try:
        failed = service.request("POST", "/outcomes", OUTCOME, headers={"x-request-id": "kept-back-4"})
    finally:
        query(url, "ALTER TABLE elsewhere RENAME TO ares_ml_outcomes")
    assert failed.status == 500
    for number in range(len(sent) + 1):
        assert lines_of(service, f"kept-back-{number}")
    assert "4242" not in service.log
    assert "hunter2" not in service.log
