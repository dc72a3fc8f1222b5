"""`advisor` as a process: what it refuses is told in one line that keeps secrets, and what it does is done."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from service.db.migrate import alembic_config
from tests.support.in_process import InProcessService
from tests.support.keys import key_id
from tests.support.processes import Databases, query, run_advisor, unreachable_database, wait_until


def only_line(result: subprocess.CompletedProcess[str]) -> str:
    """What a command said that was refused."""
    assert result.returncode == 2
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("advisor: ")
    assert "hunter2" not in line
    return line


def test_it_refuses_to_be_reached_from_elsewhere_without_a_key(database_url: str, tmp_path: Path) -> None:
    data = {"ADVISOR_DATABASE_URL": database_url, "ADVISOR_DATA_DIR": str(tmp_path)}
    line = only_line(run_advisor("serve", ADVISOR_HOST="0.0.0.0", **data))
    assert "ADVISOR_HOST=0.0.0.0 can be reached from other machines: set ADVISOR_API_KEY" in line


def test_a_taken_port_is_one_clear_line(database_url: str, tmp_path: Path) -> None:
    data = {"ADVISOR_DATABASE_URL": database_url, "ADVISOR_DATA_DIR": str(tmp_path)}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = only_line(run_advisor("serve", ADVISOR_PORT=port, **data))
    assert f"cannot listen on 127.0.0.1:{port}" in line


def test_a_wrong_setting_is_one_clear_line_that_keeps_secrets() -> None:
    line = only_line(run_advisor("serve", ADVISOR_PORT="many", ADVISOR_DATABASE_URL="mysql://root:hunter2@db/x"))
    assert "ADVISOR_PORT" in line
    assert "ADVISOR_DATABASE_URL" in line


def test_an_unreachable_database_stops_a_migration_with_one_line() -> None:
    assert "database" in only_line(run_advisor("migrate", ADVISOR_DATABASE_URL=unreachable_database()))


def test_two_migrators_at_once_both_end_well(databases: Databases) -> None:
    url = databases.make(template=None)
    with ThreadPoolExecutor(2) as migrators:
        ended = list(migrators.map(lambda _: run_advisor("migrate", ADVISOR_DATABASE_URL=url), range(2)))
    assert [result.returncode for result in ended] == [0, 0], [result.stderr for result in ended]
    (revision,) = query(url, "SELECT version_num FROM alembic_version")
    assert revision["version_num"] == ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert run_advisor("migrate", ADVISOR_DATABASE_URL=url).returncode == 0, "and there is nothing left to do"


def test_a_key_is_made_taken_and_revoked(service: InProcessService) -> None:
    database = {"ADVISOR_DATABASE_URL": service.database_url}
    made = run_advisor("keys", "make", "quant", "--scope", "read", **database)
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert re.fullmatch(r"ares_[0-9a-f]{12}_[\w-]{43}", token)
    headers = {"authorization": f"Bearer {token}"}
    wait_until(lambda: service.plain_request("GET", "/models").status == 401)
    assert service.plain_request("GET", "/models", headers=headers).status == 200
    assert run_advisor("keys", "revoke", key_id(token), **database).returncode == 0
    wait_until(lambda: service.plain_request("GET", "/models", headers=headers).status == 401)


@pytest.mark.parametrize("part", ["serve", "worker"])
def test_a_part_whose_starter_is_gone_before_it_is_up_ends(part: str, database_url: str, tmp_path: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", ""])
    starter.wait()
    data = {"ADVISOR_DATABASE_URL": database_url, "ADVISOR_DATA_DIR": str(tmp_path), "ADVISOR_PORT": "0"}
    assert run_advisor(part, "--end-with-parent", str(starter.pid), **data).returncode in {0, -signal.SIGTERM}
