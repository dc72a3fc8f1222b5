"""The service killed as by a power cut: what it acknowledged is stored."""

from __future__ import annotations

from tests.support.load import trades
from tests.support.processes import StartProcess, query


def test_what_was_acknowledged_survives_kill_9(start_process: StartProcess, database_url: str) -> None:
    service = start_process("serve", database_url)
    outcomes = trades("killed")
    for _ in range(20):
        assert service.request("POST", "/outcomes", next(outcomes)).status == 201
    service.kill()
    assert len(query(database_url, "SELECT 1 FROM ares_ml_outcomes")) == 20
