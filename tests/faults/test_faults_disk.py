"""When the outbox cannot be written, a trade is handed over directly or the caller is told; advice goes on."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ares_client import Advisor, ClientSettings, MLFeatures, OutcomeNotRecordedError, TradeOutcome
from ares_client.errors import OutboxUnavailableError
from ares_client.testing import USUAL_REPLY
from tests.faults.fault_servers import OutcomeLedger, Received, Server, problem, reply
from tests.support.client_support import PATIENT_SECONDS, RunPython

Break = Callable[[Path], Path]

TRADE: dict[str, Any] = {
    "trade_date": "2024-01-02",
    "features": MLFeatures(vix=17.4, price=4512.5),
    "outcome": TradeOutcome.MAX_PROFIT,
    "net_pnl": 142.5,
}


def a_file_in_the_way(tmp_path: Path) -> Path:
    folder = tmp_path / "outbox"
    folder.write_text("not a folder")
    return folder


def a_folder_in_the_way(tmp_path: Path) -> Path:
    (tmp_path / "ares.sqlite3").mkdir()
    return tmp_path


def a_read_only_file(tmp_path: Path) -> Path:
    """A database that SQLite opens read-only for everybody, root included: its format asks for a newer writer."""
    file = tmp_path / "ares.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE outcomes (seq INTEGER PRIMARY KEY)")
        connection.commit()
    content = bytearray(file.read_bytes())
    content[18] = 3  # the header's "write version": above 2, the file may only be read
    file.write_bytes(content)
    return tmp_path


def a_newer_schema(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "ares.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")
    return tmp_path


BROKEN = [a_file_in_the_way, a_folder_in_the_way, a_read_only_file, a_newer_schema]


def answer(request: Received) -> bytes:
    if request.path == "/advice":
        return reply(200, USUAL_REPLY.model_dump_json().encode())
    body = request.json()
    return reply(201, f'{{"status": "recorded", "bot": "ares", "trade_id": "{body["trade_id"]}"}}'.encode())


@pytest.mark.parametrize("broken", BROKEN)
def test_the_trade_is_delivered_directly(tmp_path: Path, broken: Break) -> None:
    ledger = OutcomeLedger(answer)
    with (
        Server(ledger) as server,
        Advisor(ClientSettings(url=server.url, outbox=broken(tmp_path), deadline_seconds=PATIENT_SECONDS)) as advisor,
    ):
        kept = advisor.record_outcome(**TRADE)
        assert kept.kept_in == "service"
        assert [request.json()["trade_id"] for request in ledger.requests] == [kept.trade_id]
        assert advisor.get_trading_advice(vix=17.4, price=4512.5).source == "service"


@pytest.mark.parametrize("broken", BROKEN)
def test_without_a_service_the_caller_is_told(tmp_path: Path, broken: Break, refused_url: str) -> None:
    with Advisor(ClientSettings(url=refused_url, outbox=broken(tmp_path))) as advisor:
        with pytest.raises(OutcomeNotRecordedError) as told:
            advisor.record_outcome(**TRADE, trade_id="t1")
        assert told.value.trade_id == "t1"
        assert isinstance(told.value.outbox_problem, OutboxUnavailableError)
        assert advisor.get_trading_advice(vix=17.4, price=4512.5).source == "fallback"


def test_a_trade_that_the_service_refuses_is_told_too(tmp_path: Path) -> None:
    with (
        Server(OutcomeLedger(lambda _: problem(409, "another P&L is recorded"))) as server,
        Advisor(
            ClientSettings(url=server.url, outbox=a_file_in_the_way(tmp_path), deadline_seconds=PATIENT_SECONDS)
        ) as advisor,
        pytest.raises(OutcomeNotRecordedError, match="another P&L"),
    ):
        advisor.record_outcome(**TRADE)


def test_only_an_acknowledgement_of_that_very_trade_counts(tmp_path: Path) -> None:
    with (
        Server(OutcomeLedger(lambda _: reply(201, b'{"status": "recorded", "trade_id": "another"}'))) as server,
        Advisor(
            ClientSettings(url=server.url, outbox=a_file_in_the_way(tmp_path), deadline_seconds=PATIENT_SECONDS)
        ) as advisor,
        pytest.raises(OutcomeNotRecordedError, match="another was acknowledged"),
    ):
        advisor.record_outcome(**TRADE)


def test_a_trade_that_nobody_can_take_is_told(tmp_path: Path, refused_url: str) -> None:
    """Neither place is left for a P&L that is not a number: no quarantine on disk, no service that takes it."""
    with (
        Advisor(ClientSettings(url=refused_url, outbox=a_file_in_the_way(tmp_path))) as advisor,
        pytest.raises(OutcomeNotRecordedError, match="net_pnl"),
    ):
        advisor.record_outcome(**TRADE | {"net_pnl": float("nan")})


def test_the_outbox_is_used_again_once_it_can_be(tmp_path: Path, refused_url: str) -> None:
    folder = a_file_in_the_way(tmp_path)
    with Advisor(ClientSettings(url=refused_url, outbox=folder)) as advisor:
        with pytest.raises(OutcomeNotRecordedError):
            advisor.record_outcome(**TRADE)
        folder.unlink()
        assert advisor.record_outcome(**TRADE).kept_in == "outbox"
        assert advisor.stats().pending == 1


FILL = """
import sys
from pathlib import Path
from ares_client import Advisor, ClientSettings, OutcomeNotRecordedError
{limit}
settings = ClientSettings(url=sys.argv[1], outbox=Path(sys.argv[2]) / "outbox", deadline_seconds=1)
advisor = Advisor(settings)
acknowledged = 0
for number in range(3000):
    try:
        advisor.record_outcome(
            trade_date="2024-01-02", features={{"vix": 17.4}}, outcome="MAX_PROFIT", net_pnl=1, trade_id=f"t{{number}}"
        )
    except OutcomeNotRecordedError as error:
        print(acknowledged, type(error.outbox_problem).__name__)
        break
    acknowledged += 1
print(advisor.get_trading_advice(vix=17.4, price=4512.5).source)
print(advisor.stats().pending)
"""
LIMITED_FILES = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
ON_A_SMALL_DISK = 'mount -t tmpfs -o size=400k tmpfs "$2" && exec "$0" -c "$3" "$1" "$2"'


def fills_up(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=4 * PATIENT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    (acknowledged, problem_name), (source,), (pending,) = map(str.split, done.stdout.splitlines())
    assert problem_name == "OutboxUnavailableError"
    assert int(acknowledged) > 10
    assert source == "fallback"
    assert int(pending) == int(acknowledged), "what was acknowledged is on disk, what was not is not"


def test_files_that_may_not_grow(tmp_path: Path, client_environment: dict[str, str], refused_url: str) -> None:
    script = FILL.format(limit=LIMITED_FILES)
    fills_up([sys.executable, "-c", script, refused_url, str(tmp_path)], client_environment)


def may_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    attempt = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(attempt, capture_output=True, check=False).returncode == 0


def test_a_full_disk(tmp_path: Path, client_environment: dict[str, str], refused_url: str) -> None:
    if not may_mount():
        pytest.skip("no small disk can be mounted here")
    script = FILL.format(limit="")
    command = ["unshare", "-rm", "sh", "-c", ON_A_SMALL_DISK]
    fills_up([*command, sys.executable, refused_url, str(tmp_path), script], client_environment)


WITHOUT_PERMISSION = """
import ctypes, os, sys
from pathlib import Path

if os.geteuid() == 0 and not os.environ.get("OBEYS_PERMISSIONS"):
    # Root may write anywhere by two capabilities. A program that it starts has only those of the bounding set.
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        if ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            sys.exit(os.strerror(ctypes.get_errno()))
    os.environ["OBEYS_PERMISSIONS"] = "yes"
    os.execv(sys.executable, sys.orig_argv)

from ares_client import Advisor, ClientSettings, OutcomeNotRecordedError

with Advisor(ClientSettings(url=sys.argv[1], outbox=Path(sys.argv[2]) / "outbox")) as advisor:
    try:
        advisor.record_outcome(trade_date="2024-01-02", features={}, outcome="MAX_PROFIT", net_pnl=1, trade_id="t1")
    except OutcomeNotRecordedError as error:
        print(error.trade_id, type(error.outbox_problem).__name__)
    print(advisor.get_trading_advice(vix=17.4, price=4512.5).source)
"""


def test_a_folder_without_permission(tmp_path: Path, run_python: RunPython, refused_url: str) -> None:
    tmp_path.chmod(0o500)
    try:
        printed = run_python(WITHOUT_PERMISSION, refused_url, str(tmp_path))
    finally:
        tmp_path.chmod(0o700)
    assert printed.splitlines() == ["t1 OutboxUnavailableError", "fallback"]
