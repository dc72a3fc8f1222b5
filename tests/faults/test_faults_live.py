"""Against the real service on real PostgreSQL: bots that are killed, replies that are lost, a long outage."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid

import pytest

from ares_client import Advisor, ClientSettings
from tests.faults.fault_proxy import proxy_to
from tests.faults.fault_servers import OutcomeLedger, Server, taking_all
from tests.support.processes import query

KILLS = 200
OUTAGE_OUTCOMES = 10_000


@pytest.fixture
def bot():
    """A name of the test's own, as the service is shared."""
    return f"bot-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def settings(live_service, bot, tmp_path):
    def make(url: str | None = None, **changes) -> ClientSettings:
        where = url or live_service.url
        return ClientSettings(url=where, api_key=live_service.api_key, bot=bot, outbox=tmp_path / "outbox", **changes)

    return make


@pytest.fixture
def on_the_server(live_service, bot):
    """The trade ids that the service holds for the bot, in the order in which they were stored."""

    def fetch() -> list[str]:
        rows = query(live_service.database_url, "SELECT trade_id FROM ares_ml_outcomes WHERE bot = $1 ORDER BY id", bot)
        return [row["trade_id"] for row in rows]

    return fetch


def record(advisor: Advisor, trade_id: str, **changes) -> None:
    trade = {
        "trade_date": "2018-12-03",
        "features": {"vix": 16.4, "price": 2790.5},
        "outcome": "MAX_PROFIT",
        "net_pnl": 142.5,
    }
    advisor.record_outcome(**trade | changes, trade_id=trade_id)


def wait_until(condition, seconds: float = 20.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.05)


def test_a_trade_arrives(settings, on_the_server):
    with Advisor(settings()) as advisor:
        record(advisor, "first")
        assert advisor.flush(10)
        record(advisor, "first")
        assert advisor.flush(10)
        assert advisor.stats().quarantined == 0
    assert on_the_server() == ["first"]


def test_another_profit_for_the_same_trade_is_quarantined_and_the_first_is_kept(settings, on_the_server):
    with Advisor(settings()) as advisor:
        record(advisor, "first")
        assert advisor.flush(10)
        record(advisor, "first", net_pnl=-800)
        assert advisor.flush(10)
        assert advisor.stats().quarantined == 1
    assert on_the_server() == ["first"]


def test_a_reply_lost_after_the_commit_leaves_one_row(live_service, settings, on_the_server):
    with proxy_to(live_service.url) as proxy, Advisor(settings(proxy.url)) as advisor:
        proxy.replies_to_lose = 2
        record(advisor, "once")
        wait_until(lambda: advisor.stats().pending == 0)
        assert proxy.replies_lost == 2
        assert advisor.stats().quarantined == 0
    assert on_the_server() == ["once"]


ZYGOTE = """
import os, sys
from pathlib import Path
from ares_client import Advisor, ClientSettings

url, key, bot, outbox = sys.argv[1:]
settings = ClientSettings(url=url, api_key=key or None, bot=bot, outbox=Path(outbox))
trade = dict(trade_date="2018-12-03", features={"vix": 16.4}, outcome="MAX_PROFIT", net_pnl=142.5)


def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())


for line in sys.stdin:
    life = line.strip()
    child = os.fork()
    if child == 0:
        tell("born", os.getpid())
        advisor = Advisor(settings)
        number = 0
        while True:
            trade_id = f"{life}-{number}"
            tell("tries", trade_id)
            advisor.record_outcome(**trade, trade_id=trade_id)
            tell("acknowledged", trade_id)
            number += 1
    os.waitpid(child, 0)
    tell("dead", child)
"""


def test_two_hundred_kills_lose_nothing(live_service, settings, bot, tmp_path, on_the_server, client_environment):
    """Each life of the bot records as fast as it can while its sender delivers, until kill -9 at a random moment."""
    chance = random.Random(20181203)
    tried, acknowledged = set(), set()
    zygote = subprocess.Popen(
        [sys.executable, "-c", ZYGOTE, live_service.url, live_service.api_key or "", bot, str(tmp_path / "outbox")],
        env=client_environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with zygote:
        for life in range(KILLS):
            zygote.stdin.write(f"life{life}\n")
            zygote.stdin.flush()
            _, pid = zygote.stdout.readline().split()
            if life % 10 == 0:  # however slow the machine, some lives end in the middle of a delivery
                delivered = len(on_the_server())
                wait_until(lambda before=delivered: len(on_the_server()) > before)
            time.sleep(chance.uniform(0, 0.06))
            os.kill(int(pid), signal.SIGKILL)
            while (word := zygote.stdout.readline().split())[0] != "dead":
                {"tries": tried, "acknowledged": acknowledged}[word[0]].add(word[1])
        zygote.stdin.close()

    assert len(acknowledged) > KILLS
    with Advisor(settings()) as advisor:
        left = advisor.stats().pending
        assert advisor.flush(30)
        assert advisor.stats().quarantined == 0
    arrived = on_the_server()
    assert acknowledged <= set(arrived) <= tried
    assert len(arrived) == len(set(arrived))
    assert list((tmp_path / "outbox").glob("*corrupt*")) == []
    assert left < len(arrived), "none were delivered while the bot was being killed"


WRITER = """
import sys
from pathlib import Path
from ares_client import Advisor, ClientSettings

url, outbox, name = sys.argv[1:]
with Advisor(ClientSettings(url=url, outbox=Path(outbox))) as advisor:
    for number in range(60):
        advisor.record_outcome(
            trade_date="2018-12-03", features={}, outcome="MAX_PROFIT", net_pnl=1, trade_id=f"{name}-{number}"
        )
    assert advisor.flush(30)
"""


def test_five_processes_on_one_outbox_send_each_trade_once(tmp_path, client_environment):
    ledger = OutcomeLedger(taking_all)
    with Server(ledger) as server:
        arguments = [sys.executable, "-c", WRITER, server.url, str(tmp_path)]
        writers = [
            subprocess.Popen([*arguments, name], env=client_environment, stderr=subprocess.PIPE, text=True)
            for name in "abcde"
        ]
        for writer in writers:
            with writer:
                _, complaints = writer.communicate(timeout=60)
            assert writer.returncode == 0, complaints
    sent = ledger.sent
    assert sorted(sent) == sorted(f"{name}-{number}" for name in "abcde" for number in range(60))


def test_ten_thousand_outcomes_of_an_outage_drain_in_order(live_service, settings, on_the_server):
    trades = [f"trade-{number:05d}" for number in range(OUTAGE_OUTCOMES)]
    with Advisor(settings()) as advisor:
        live_service.kill()
        try:
            for trade in trades:
                record(advisor, trade)
            assert advisor.stats().pending == OUTAGE_OUTCOMES
            assert advisor.get_trading_advice(vix=16.4, price=2790.5).source == "fallback"
        finally:
            live_service.restart()
        wait_until(live_service.ready, 60)
        began = time.monotonic()
        assert advisor.get_trading_advice(vix=16.4, price=2790.5).source == "service"
        wait_until(lambda: advisor.stats().pending == 0, 60)
        seconds = time.monotonic() - began
        assert advisor.stats().quarantined == 0
    assert on_the_server() == trades
    assert seconds < 60
