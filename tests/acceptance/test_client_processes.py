"""The client in processes of its own: what importing it does, the shared advisor, and both sides of a fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from ares_client import Advisor, ClientSettings
from ares_client._process.locks import FileLock
from ares_client._process.timing import SYSTEM_TIMING
from tests.support import client_support
from tests.support.client_support import MARGIN_SECONDS, RunPython

client_environment = client_support.client_environment
refused_url = client_support.refused_url
threads_are_seen_out = client_support.threads_are_seen_out
run_python = client_support.run_python

QUIET = """
import sys

events = []
sys.addaudithook(lambda event, arguments: events.append((event, arguments)))
from ares_client import Advisor, AsyncAdvisor, ClientSettings
from ares_client.shared import get_advisor

first = len(events)
Advisor(ClientSettings())
AsyncAdvisor()
get_advisor()
for event, arguments in events[first:]:
    if event.split(".")[0] in {"open", "os", "shutil", "socket", "sqlite3", "subprocess", "tempfile"}:
        print(event, arguments)
    if event == "_thread.start_new_thread":
        print("a thread was started")
"""


def test_making_one_touches_neither_network_nor_disk(run_python: RunPython, tmp_path: Path) -> None:
    assert run_python(QUIET, HOME=str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []


def test_the_same_advisor_every_time(run_python: RunPython) -> None:
    script = "from ares_client import get_advisor; print(get_advisor() is get_advisor())"
    assert run_python(script, ARES_ADVISOR_OUTBOX="/nowhere") == "True\n"


def test_a_configuration_that_cannot_be_used_is_no_reason_to_raise_in_the_trading_window(
    run_python: RunPython,
) -> None:
    script = (
        "from ares_client import get_trading_advice, get_advisor\n"
        "advice = get_trading_advice(vix=17.4, price=4512.5, day_of_week=1)\n"
        "print(advice.source, advice.reason, advice.suggested_risk_pct)\n"
        "try: get_advisor()\n"
        "except ValueError as error: print(error)\n"
    )
    first, second = run_python(script, ARES_ADVISOR_URL="advisor:8000").splitlines()
    assert first == "fallback misconfigured 10.0"
    assert "ARES_ADVISOR_URL" in second


def test_a_script_that_ends_delivers_first_if_it_can(run_python: RunPython, refused_url: str, tmp_path: Path) -> None:
    """The guide's bot never calls close: what it recorded in its last moment is on disk all the same."""
    script = (
        "from ares_client import get_advisor, MLFeatures, TradeOutcome\n"
        "get_advisor().record_outcome(trade_date='2024-01-02', features=MLFeatures(vix=17, price=4500),\n"
        "    outcome=TradeOutcome.MAX_PROFIT, net_pnl=1)\n"
    )
    run_python(script, ARES_ADVISOR_OUTBOX=str(tmp_path), ARES_ADVISOR_URL=refused_url)
    with Advisor(ClientSettings(outbox=tmp_path, url=refused_url)) as advisor:
        assert advisor.stats().pending == 1


SHARED_BY_A_FORK = """
import os, sys
from pathlib import Path
from ares_client._process.timing import SYSTEM_TIMING
from ares_client._outbox.outbox import Outbox
from ares_client._outbox.file import OutboxFile
from ares_client._outbox.outcomes import PreparedOutcome

outbox = Outbox(OutboxFile(Path(sys.argv[1]), SYSTEM_TIMING), SYSTEM_TIMING)
outbox.add(PreparedOutcome("before", "{}", None))
if os.fork() == 0:
    outbox.add(PreparedOutcome("child", '{"by":"child"}', None))
    os._exit(0)
outbox.add(PreparedOutcome("parent", '{"by":"parent"}', None))
print(os.wait()[1], sorted(row.trade_id for row in outbox.rows()))
"""


def test_both_sides_of_a_fork_use_the_file(run_python: RunPython, tmp_path: Path) -> None:
    path = tmp_path / "state" / "deeper" / "ares.sqlite3"
    assert run_python(SHARED_BY_A_FORK, str(path)) == "0 ['before', 'child', 'parent']\n"


FORKING = """
import os, sys, time
from pathlib import Path
from ares_client._process.timing import SYSTEM_TIMING
from ares_client._process.locks import FileLock

lock = FileLock(Path(sys.argv[1]), SYSTEM_TIMING)
with lock.held() as mine:
    child = os.fork()
    if child == 0:
        time.sleep(300)
        os._exit(0)
    print(mine, child, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_a_lock_does_not_survive_its_holder_in_a_forked_child(
    tmp_path: Path, client_environment: dict[str, str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORKING, str(tmp_path / "lock")],
        env=client_environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        held, child = holder.stdout.readline().split()
        holder.wait()
        try:
            with FileLock(tmp_path / "lock", SYSTEM_TIMING).held(patience_seconds=MARGIN_SECONDS) as ours:
                assert (held, ours) == ("True", True)
        finally:
            os.kill(int(child), signal.SIGKILL)
