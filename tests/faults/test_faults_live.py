"""Against the real service on real PostgreSQL: bots that are killed, replies that are lost, a long outage."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from ares_client import Advisor, ClientSettings
from tests.faults.fault_proxy import proxy_to
from tests.faults.fault_servers import OutcomeLedger, Server, taking_all
from tests.support.client_support import PATIENT_SECONDS
from tests.support.processes import AdvisorProcess, query, wait_until

KILLS = 200
OUTAGE_OUTCOMES = 10_000
LONG_SECONDS = 3 * PATIENT_SECONDS

MakeSettings = Callable[..., ClientSettings]
OnTheServer = Callable[[], list[str]]


@pytest.fixture
def bot() -> str:
    """A name of the test's own, as the service is shared."""
    return f"bot-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def settings(live_service: AdvisorProcess, bot: str, tmp_path: Path) -> MakeSettings:
    def make(url: str | None = None) -> ClientSettings:
        return ClientSettings(
            url=url or live_service.url,
            api_key=live_service.api_key,
            bot=bot,
            outbox=tmp_path / "outbox",
            deadline_seconds=PATIENT_SECONDS,
        )

    return make


@pytest.fixture
def on_the_server(live_service: AdvisorProcess, bot: str) -> OnTheServer:
    """The trade ids that the service holds for the bot, in the order in which they were stored."""

    def fetch() -> list[str]:
        rows = query(live_service.database_url, "SELECT trade_id FROM ares_ml_outcomes WHERE bot = $1 ORDER BY id", bot)
        return [row["trade_id"] for row in rows]

    return fetch


def record(advisor: Advisor, trade_id: str, net_pnl: float = 142.5) -> None:
    advisor.record_outcome(
        trade_date="2018-12-03",
        features={"vix": 16.4, "price": 2790.5},
        outcome="MAX_PROFIT",
        net_pnl=net_pnl,
        trade_id=trade_id,
    )


def test_a_trade_arrives(settings: MakeSettings, on_the_server: OnTheServer) -> None:
    with Advisor(settings()) as advisor:
        record(advisor, "first")
        assert advisor.flush(PATIENT_SECONDS)
        record(advisor, "first")
        assert advisor.flush(PATIENT_SECONDS)
        assert advisor.stats().quarantined == 0
    assert on_the_server() == ["first"]


def test_another_profit_for_the_same_trade_is_quarantined_and_the_first_is_kept(
    settings: MakeSettings, on_the_server: OnTheServer
) -> None:
    with Advisor(settings()) as advisor:
        record(advisor, "first")
        assert advisor.flush(PATIENT_SECONDS)
        record(advisor, "first", net_pnl=-800)
        assert advisor.flush(PATIENT_SECONDS)
        assert advisor.stats().quarantined == 1
    assert on_the_server() == ["first"]


def test_a_reply_lost_after_the_commit_leaves_one_row(
    live_service: AdvisorProcess, settings: MakeSettings, on_the_server: OnTheServer
) -> None:
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


class Zygote:
    """Forks one life of the bot after another, and takes down what each says it has done."""

    def __init__(self, *arguments: str, environment: dict[str, str]) -> None:
        self.said: dict[str, set[str]] = {"tries": set(), "acknowledged": set()}
        self.process = subprocess.Popen(
            [sys.executable, "-c", ZYGOTE, *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def begin_life(self, name: str) -> int:
        """The process id of the life."""
        assert self.process.stdin
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        word, pid = self._read()
        assert word == "born"
        return int(pid)

    def listen_until(self, what: str) -> None:
        while True:
            word, name = self._read()
            if word in self.said:
                self.said[word].add(name)
            if word == what:
                return

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def _read(self) -> tuple[str, str]:
        assert self.process.stdout
        word, name = self.process.stdout.readline().split()
        return word, name


def test_two_hundred_kills_lose_nothing(
    live_service: AdvisorProcess,
    settings: MakeSettings,
    bot: str,
    tmp_path: Path,
    on_the_server: OnTheServer,
    client_environment: dict[str, str],
) -> None:
    """Each life of the bot records as fast as it can while its sender delivers, until kill -9 at a random moment.

    However slow the machine, some lives end before the first trade is on disk, some in the middle of a recording
    and some in the middle of a delivery.
    """

    def wait_for_more_than(delivered: int) -> None:
        wait_until(lambda: len(on_the_server()) > delivered)

    chance = random.Random(20181203)
    zygote = Zygote(
        live_service.url, live_service.api_key or "", bot, str(tmp_path / "outbox"), environment=client_environment
    )
    with zygote.process:
        for life in range(KILLS):
            delivered = len(on_the_server()) if life % 10 == 0 else 0
            pid = zygote.begin_life(f"life{life}")
            if life % 2:
                for _ in range(3):
                    zygote.listen_until("acknowledged")
            if life % 10 == 0:
                wait_for_more_than(delivered)
            time.sleep(chance.uniform(0, 0.06))
            os.kill(pid, signal.SIGKILL)
            zygote.listen_until("dead")
        zygote.close()

    tried, acknowledged = zygote.said["tries"], zygote.said["acknowledged"]
    assert len(acknowledged) > KILLS
    with Advisor(settings()) as advisor:
        left = advisor.stats().pending
        assert advisor.flush(PATIENT_SECONDS)
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
with Advisor(ClientSettings(url=url, outbox=Path(outbox), deadline_seconds=60)) as advisor:
    for number in range(60):
        advisor.record_outcome(
            trade_date="2018-12-03", features={}, outcome="MAX_PROFIT", net_pnl=1, trade_id=f"{name}-{number}"
        )
    assert advisor.flush(60)
"""


def test_five_processes_on_one_outbox_send_each_trade_once(tmp_path: Path, client_environment: dict[str, str]) -> None:
    ledger = OutcomeLedger(taking_all)
    with Server(ledger) as server:
        arguments = [sys.executable, "-c", WRITER, server.url, str(tmp_path)]
        writers = [
            subprocess.Popen([*arguments, name], env=client_environment, stderr=subprocess.PIPE, text=True)
            for name in "abcde"
        ]
        try:
            for writer in writers:
                _, complaints = writer.communicate(timeout=LONG_SECONDS)
                assert writer.returncode == 0, complaints
        finally:
            for writer in writers:
                with writer:
                    writer.kill()
    sent = ledger.sent
    assert sorted(sent) == sorted(f"{name}-{number}" for name in "abcde" for number in range(60))


def test_ten_thousand_outcomes_of_an_outage_drain_in_order(
    live_service: AdvisorProcess, settings: MakeSettings, on_the_server: OnTheServer
) -> None:
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
        wait_until(live_service.ready)
        assert advisor.get_trading_advice(vix=16.4, price=2790.5).source == "service"
        wait_until(lambda: advisor.stats().pending == 0, LONG_SECONDS)
        assert advisor.stats().quarantined == 0
    assert on_the_server() == trades
