"""A graceful stop: not ready first, still serving; what is in flight is answered; what was accepted is stored."""

from __future__ import annotations

import signal
import socket

import urllib3

from tests.support.processes import StartProcess, query, wait_until
from tests.support.running_service import RunningService

ADVICE = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z"}
OUTCOME = b'{"trade_id": "slow", "trade_date": "2018-12-03", "outcome": "MAX_PROFIT", "net_pnl": 95.0}'
LONGER_THAN_ANY_TEST = "3600"


def test_not_ready_first_and_serving_until_drained_or_told_again(
    start_process: StartProcess, ready_database_url: str
) -> None:
    service = start_process("serve", ready_database_url, ADVISOR_DRAIN_SECONDS=LONGER_THAN_ANY_TEST)
    service.signal(signal.SIGTERM)
    wait_until(lambda: service.request("GET", "/readyz").status == 503)
    assert service.request("GET", "/readyz").json()["detail"] == "shutting down"
    assert service.request("GET", "/livez").status == 200
    assert service.request("POST", "/advice", ADVICE).status == 200
    assert "draining" in service.log
    service.signal(signal.SIGTERM)
    assert service.wait() == 0
    assert query(ready_database_url, "SELECT count(*) AS n FROM advice_log")[0]["n"] == 1


def test_once_drained_it_ends_and_a_request_in_flight_is_answered_and_stored(
    start_process: StartProcess, ready_database_url: str
) -> None:
    settings = {"ADVISOR_DRAIN_SECONDS": "1", "ADVISOR_SHUTDOWN_GRACE_SECONDS": LONGER_THAN_ANY_TEST}
    service = start_process("serve", ready_database_url, **settings)
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        head = (
            "POST /outcomes HTTP/1.1",
            "host: localhost",
            "content-type: application/json",
            f"content-length: {len(OUTCOME)}",
        )
        connection.sendall("\r\n".join([*head, "\r\n"]).encode() + OUTCOME[:20])
        service.signal(signal.SIGTERM)
        wait_until(lambda: is_closed(service))
        connection.sendall(OUTCOME[20:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 201")
    assert service.wait() == 0
    assert query(ready_database_url, "SELECT trade_id FROM ares_ml_outcomes")[0]["trade_id"] == "slow"


def is_closed(service: RunningService) -> bool:
    try:
        service.request("GET", "/livez")
    except urllib3.exceptions.HTTPError:
        return True
    return False
