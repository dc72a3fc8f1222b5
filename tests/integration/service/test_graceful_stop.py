"""A graceful stop: not ready first, still serving; what is in flight is answered; what was accepted is stored."""

from __future__ import annotations

import signal
import socket
import time

import pytest
import urllib3

from tests.support.processes import AdvisorProcess, StartProcess, equip, query, wait_until

ADVICE = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z"}
OUTCOME = b'{"trade_id": "slow", "trade_date": "2018-12-03", "outcome": "MAX_PROFIT", "net_pnl": 95.0}'


@pytest.fixture
def draining_service(
    start_process: StartProcess, database_url: str, artefact: bytes, sample_days: list[dict[str, object]]
) -> AdvisorProcess:
    service = start_process("serve", database_url, ADVISOR_DRAIN_SECONDS="3", ADVISOR_SHUTDOWN_GRACE_SECONDS="20")
    equip(service, artefact, sample_days)
    return service


def test_not_ready_first_and_serving_until_drained(draining_service: AdvisorProcess) -> None:
    assert draining_service.process is not None
    draining_service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: draining_service.request("GET", "/readyz").status == 503, 2)
    assert draining_service.request("GET", "/readyz").json()["detail"] == "shutting down"
    assert draining_service.request("GET", "/livez").status == 200
    assert draining_service.request("POST", "/advice", ADVICE).status == 200
    assert draining_service.process.wait(30) == 0
    assert query(draining_service.database_url, "SELECT count(*) AS n FROM advice_log")[0]["n"] == 1


def test_a_request_in_flight_is_answered_and_stored(draining_service: AdvisorProcess) -> None:
    assert draining_service.process is not None
    with socket.create_connection(("127.0.0.1", draining_service.port)) as connection:
        head = (
            "POST /outcomes HTTP/1.1",
            "host: localhost",
            "content-type: application/json",
            f"content-length: {len(OUTCOME)}",
        )
        connection.sendall("\r\n".join([*head, "\r\n"]).encode() + OUTCOME[:20])
        draining_service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_closed(draining_service), 10)
        time.sleep(0.5)
        connection.sendall(OUTCOME[20:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 201")
    assert draining_service.process.wait(30) == 0
    assert query(draining_service.database_url, "SELECT trade_id FROM ares_ml_outcomes")[0]["trade_id"] == "slow"


def test_a_second_signal_does_not_wait(draining_service: AdvisorProcess) -> None:
    assert draining_service.process is not None
    draining_service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "draining" in draining_service.log)
    began = time.monotonic()
    draining_service.process.send_signal(signal.SIGTERM)
    assert draining_service.process.wait(30) == 0
    assert time.monotonic() - began < 2.5


def is_closed(service: AdvisorProcess) -> bool:
    try:
        service.request("GET", "/livez")
    except urllib3.exceptions.HTTPError:
        return True
    return False
