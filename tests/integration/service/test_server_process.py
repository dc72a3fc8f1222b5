"""The server process: light, safe by default, and told off clearly when it cannot start."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from tests.support.processes import AdvisorProcess, StartProcess, query, run_advisor, wait_until

HEAVY = {"sklearn", "pandas", "joblib", "scipy"}


def test_it_has_not_imported_scikit_learn_pandas_or_joblib(ready_service: AdvisorProcess) -> None:
    """The real process, after it has loaded a model and answered: its mapped libraries and modules tell."""
    advice = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T09:35:00-05:00"}
    assert ready_service.request("POST", "/advice", advice).status == 200
    assert ready_service.process is not None
    mapped = Path(f"/proc/{ready_service.process.pid}/maps").read_text()
    assert "/numpy/" in mapped
    assert not [name for name in HEAVY if f"/{name}/" in mapped]


def test_its_modules_are_light() -> None:
    code = "import sys, service.cli, service.app; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not HEAVY & {name.split(".")[0] for name in loaded}


def test_it_refuses_to_be_reached_from_elsewhere_without_a_key(database_url: str) -> None:
    result = run_advisor("serve", ADVISOR_HOST="0.0.0.0", ADVISOR_DATABASE_URL=database_url)
    assert result.returncode == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("advisor: ADVISOR_HOST=0.0.0.0 can be reached from other machines: set ADVISOR_API_KEY")


def test_a_taken_port_is_one_clear_line(database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run_advisor("serve", ADVISOR_PORT=port, ADVISOR_DATABASE_URL=database_url)
    assert result.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_wrong_setting_is_one_clear_line_that_keeps_secrets() -> None:
    result = run_advisor("serve", ADVISOR_PORT="many", ADVISOR_DATABASE_URL="mysql://root:hunter2@db/x")
    assert result.returncode == 2
    assert "ADVISOR_PORT" in result.stderr
    assert "ADVISOR_DATABASE_URL" in result.stderr
    assert "hunter2" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_an_unreachable_database_stops_a_migration_with_one_line() -> None:
    result = run_advisor("migrate", ADVISOR_DATABASE_URL="postgresql://advisor:hunter2@127.0.0.1:1/advisor")
    assert result.returncode == 2
    assert "database" in result.stderr
    assert "hunter2" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_with_a_key_set_only_health_is_open(start_process: StartProcess, database_url: str) -> None:
    service = start_process("serve", database_url, ADVISOR_API_KEY="a-key-that-is-long-enough")
    assert service.request("GET", "/models").status == 200
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic YTpi"}):
        response = raw_request(service, "GET", "/models", headers)
        assert response == 401
    assert raw_request(service, "GET", "/livez", {}) == 200


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_an_unexpected_error_is_500_logged_once_and_without_the_key(
    start_process: StartProcess, database_url: str, log_format: str
) -> None:
    service = start_process(
        "serve", database_url, ADVISOR_API_KEY="hunter2-key-of-some-length", ADVISOR_LOG_FORMAT=log_format
    )
    query(database_url, "ALTER TABLE market_days RENAME TO elsewhere")
    bar = {"date": "2018-12-31", "spx_open": 1, "spx_high": 1, "spx_low": 1, "spx_close": 1, "vix_close": 77.25}
    response = service.request("PUT", "/market-days", {"days": [bar]})
    assert response.status == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert service.log.count("unexpected_error") == 1
    assert "Exception in ASGI application" not in service.log
    assert "hunter2" not in service.log
    assert "77.25" not in service.log


def test_the_advice_log_survives_an_unexpected_database_error(ready_service: AdvisorProcess, database_url: str) -> None:
    query(database_url, "ALTER TABLE advice_log RENAME TO elsewhere")
    assert ready_service.request("POST", "/advice", {"vix": 20, "price": 2500}).status == 200
    wait_until(lambda: "advice_log_failed" in ready_service.log)
    query(database_url, "ALTER TABLE elsewhere RENAME TO advice_log")
    wait_until(lambda: query(database_url, "SELECT 1 FROM advice_log"))
    assert ready_service.stop() == 0


def test_a_restart_without_postgres_still_advises(ready_service: AdvisorProcess, start_process: StartProcess) -> None:
    ready_service.stop()
    ready_service.database_url = "postgresql://advisor@127.0.0.1:1/advisor"
    ready_service.start()
    reply = ready_service.request("POST", "/advice", {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z"})
    assert reply.status == 200
    assert reply.json()["model_version"] == "1.0.0"
    stored = ready_service.request("GET", "/models")
    assert stored.status == 503
    assert stored.headers["retry-after"]


def test_a_graceful_stop_stores_what_was_accepted(ready_service: AdvisorProcess, database_url: str) -> None:
    for _ in range(20):
        assert ready_service.request("POST", "/advice", {"vix": 20, "price": 2500}).status == 200
    assert ready_service.stop() == 0
    assert query(database_url, "SELECT count(*) AS rows FROM advice_log")[0]["rows"] == 20


def raw_request(service: AdvisorProcess, method: str, path: str, headers: dict[str, str]) -> int:
    return urllib3.request(method, f"{service.url}{path}", headers=headers, retries=False).status
