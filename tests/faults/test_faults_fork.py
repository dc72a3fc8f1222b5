"""A bot that forks while it is busy: both sides go on asking and recording; every trade is sent once."""

from __future__ import annotations

import json
from pathlib import Path

from tests.faults.fault_servers import OutcomeLedger, Server, problem, taking_all
from tests.support.client_support import RunPython

SCRIPT = """
import json, os, sys, threading, time
from pathlib import Path
from ares_client import Advisor, ClientSettings

advisor = Advisor(ClientSettings(url=sys.argv[1], outbox=Path(sys.argv[2]), deadline_seconds=60))
stopping = threading.Event()
recorded = []


def record(name):
    trade = dict(trade_date="2024-01-02", features={}, outcome="MAX_PROFIT", net_pnl=1, trade_id=name)
    return advisor.record_outcome(**trade).trade_id


def ask():
    return str(advisor.get_trading_advice(vix=17.4, price=4512.5).reason)


def keep_recording():
    while not stopping.wait(0.002):
        recorded.append(record(f"busy-{len(recorded)}"))


def wait_for_three_more():
    enough = len(recorded) + 3
    while len(recorded) < enough:
        time.sleep(0.001)


thread = threading.Thread(target=keep_recording)
thread.start()
asked = [ask()]
children = []
for number in range(10):
    wait_for_three_more()
    child = os.fork()
    if child == 0:
        record(f"child-{number}")
        in_good_order = ask() == "unauthorized"
        advisor.close()
        os._exit(0 if in_good_order else 1)
    children.append(child)
wait_for_three_more()
stopping.set()
thread.join()
statuses = [os.waitpid(child, 0)[1] for child in children]
asked.append(ask())
delivered = advisor.flush(60)
advisor.close()
print(json.dumps([statuses, asked, delivered, recorded]))
"""


def test_both_sides_of_a_fork_go_on(tmp_path: Path, run_python: RunPython) -> None:
    ledger = OutcomeLedger(lambda request: taking_all(request) if request.path == "/outcomes" else problem(401))
    with Server(ledger) as server:
        printed = run_python(SCRIPT, server.url, str(tmp_path))
    statuses, asked, delivered, recorded = json.loads(printed)
    assert statuses == [0] * 10
    assert asked == ["unauthorized"] * 2
    assert delivered
    assert len(recorded) > 20
    taken = ledger.sent
    assert sorted(taken) == sorted([*recorded, *(f"child-{number}" for number in range(10))])
