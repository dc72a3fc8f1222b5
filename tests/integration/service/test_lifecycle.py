"""From start to stop: guarded from the start, and unharmed by a database that is away or not as it should be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.in_process import InProcessService, StartService
from tests.support.metrics import metric
from tests.support.processes import query, unreachable_database, wait_until

ADVICE = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z"}


def test_with_a_key_set_only_health_is_open(start_service: StartService, database_url: str) -> None:
    service = start_service(database_url, api_key="a-key-that-is-long-enough")
    assert service.request("GET", "/models").status == 200
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic YTpi"}):
        assert service.plain_request("GET", "/models", headers=headers).status == 401
    assert service.plain_request("GET", "/livez").status == 200


def test_the_advice_log_survives_an_unexpected_database_error(ready_service: InProcessService) -> None:
    url = ready_service.database_url
    query(url, "ALTER TABLE advice_log RENAME TO elsewhere")
    assert ready_service.request("POST", "/advice", ADVICE).status == 200
    wait_until(lambda: "advice_log_failed" in ready_service.log)
    query(url, "ALTER TABLE elsewhere RENAME TO advice_log")
    wait_until(lambda: query(url, "SELECT 1 FROM advice_log"))
    assert ready_service.stop() == 0


def test_a_restart_without_postgres_still_advises(ready_service: InProcessService) -> None:
    ready_service.stop()
    ready_service.database_url = unreachable_database()
    ready_service.start()
    reply = ready_service.request("POST", "/advice", ADVICE)
    assert reply.status == 200
    assert reply.json()["model_version"] == "1.0.0"
    stored = ready_service.request("GET", "/models")
    assert stored.status == 503
    assert stored.headers["retry-after"]


def test_a_graceful_stop_stores_what_was_accepted(ready_service: InProcessService) -> None:
    for _ in range(20):
        assert ready_service.request("POST", "/advice", ADVICE).status == 200
    assert ready_service.stop() == 0
    assert query(ready_service.database_url, "SELECT count(*) AS rows FROM advice_log")[0]["rows"] == 20


@pytest.mark.parametrize(
    ("today", "warned"),
    [
        (datetime(2027, 6, 11, 15, tzinfo=UTC), set()),
        (datetime(2027, 6, 12, 15, tzinfo=UTC), {"fomc_list_ends_soon"}),
        (datetime(2030, 7, 5, 15, tzinfo=UTC), {"fomc_list_ends_soon", "session_list_ends_soon"}),
    ],
    ids=["180 days before either", "179 days before the announcements end", "179 days before the sessions end"],
)
def test_at_start_it_warns_of_lists_that_end_soon(
    database_url: str, tmp_path: Path, today: datetime, warned: set[str]
) -> None:
    service = InProcessService(database_url, tmp_path, clock=lambda: today).start()
    try:
        assert {name for name in ("fomc_list_ends_soon", "session_list_ends_soon") if name in service.log} == warned
        assert metric(service, "advisor_list_ends_timestamp_seconds", list="sessions") == 1924923600
        assert metric(service, "advisor_list_ends_timestamp_seconds", list="fomc") == 1828242000
    finally:
        service.stop()
