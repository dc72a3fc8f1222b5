"""The sender's patience: full jitter from a second to five minutes, for ever, and a warning when much waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ares_client import ClientSettings
from ares_client._http.transport import HttpTransport
from ares_client._outbox.delivery import Delivery
from ares_client._outbox.file import OutboxFile
from ares_client._outbox.outbox import Outbox
from ares_client._outbox.outcomes import PreparedOutcome, prepare_outcome
from ares_client._outbox.sender import MANY_ROWS, OLD_SECONDS, Backoff, Sender
from ares_client._process.locks import FileLock
from ares_client._process.timing import Timing
from tests.faults.fault_servers import OutcomeLedger, Server, problem
from tests.support.client_support import HandClock, threads_named
from tests.support.processes import wait_until


class Scene:
    """A sender with a real outbox and a real transport, on a clock that passes only while it waits."""

    def __init__(self, folder: Path, url: str, clock: Timing, delivery_class: type[Delivery]) -> None:
        self._earlier = threads_named("ares-advisor-sender")
        self.outbox = Outbox(OutboxFile(folder / "ares.sqlite3", clock), clock)
        self.transport = HttpTransport(ClientSettings(url=url, outbox=folder))
        delivery = delivery_class(self.outbox, self.transport, clock)
        self.sender = Sender(self.outbox, delivery, FileLock(folder / "turn", clock), clock)

    def close(self) -> None:
        """Stop, and see the thread out: how long `stop` waits for it is measured by the clock in the hand."""
        self.sender.stop(10)
        wait_until(lambda: threads_named("ares-advisor-sender") <= self._earlier)
        self.transport.close()
        self.outbox.file.close()


SceneFor = Callable[..., Scene]


@pytest.fixture
def scene_for(tmp_path: Path, hand_clock: HandClock) -> Iterator[SceneFor]:
    with ExitStack() as stack:

        def make(url: str, delivery_class: type[Delivery] = Delivery) -> Scene:
            made = Scene(tmp_path, url, hand_clock.timing, delivery_class)
            stack.callback(made.close)
            made.outbox.add(a_trade("t"))
            return made

        yield make


def a_trade(trade_id: str) -> PreparedOutcome:
    return prepare_outcome(
        "ares",
        trade_date="2024-01-02",
        features={},
        outcome="MAX_PROFIT",
        net_pnl=1,
        trade_id=trade_id,
        details={},
    )


def test_the_ceiling_doubles_from_1_second_to_5_minutes(hand_clock: HandClock) -> None:
    hand_clock.chance = 1.0
    backoff = Backoff(hand_clock.timing)
    assert [backoff.next_pause(0) for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    backoff.reset()
    assert backoff.next_pause(0) == 1


def test_the_jitter_is_full(hand_clock: HandClock) -> None:
    backoff = Backoff(hand_clock.timing)
    hand_clock.chance = 0.0
    assert backoff.next_pause(0) == 0.0
    hand_clock.chance = 0.25
    assert backoff.next_pause(0) == 0.5


def test_a_pause_is_never_shorter_than_the_service_asks(hand_clock: HandClock) -> None:
    assert Backoff(hand_clock.timing).next_pause(120) == 120


@pytest.mark.parametrize(("asks_for", "shortest"), [(None, 0), ("77", 77)], ids=["refused", "asked to wait"])
def test_it_goes_on_for_ever_with_growing_pauses(
    scene_for: SceneFor, hand_clock: HandClock, refused_url: str, asks_for: str | None, shortest: float
) -> None:
    hand_clock.chance = 1.0
    headers = {"Retry-After": asks_for} if asks_for else {}
    with ExitStack() as stack:
        ledger = OutcomeLedger(lambda _: problem(503, headers=headers))
        scene = scene_for(stack.enter_context(Server(ledger)).url if asks_for else refused_url)
        scene.sender.start()
        wait_until(lambda: len(hand_clock.waits) >= 30)
        ceilings = [1, 2, 4, 8, 16, 32, 64, 128, 256] + [300] * 21
        assert hand_clock.waits[:30] == [max(shortest, ceiling) for ceiling in ceilings]
        assert scene.outbox.counts().pending == 1
        scene.close()


def test_it_warns_once_an_hour_when_trades_have_waited_for_a_week(
    scene_for: SceneFor, hand_clock: HandClock, refused_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    hand_clock.chance = 1.0
    scene = scene_for(refused_url)
    hand_clock.seconds += OLD_SECONDS
    began = hand_clock.seconds
    with caplog.at_level(logging.ERROR):
        scene.sender.start()
        wait_until(lambda: hand_clock.seconds > began + 5 * 3600)
        scene.close()
    hours = (hand_clock.seconds - began) / 3600
    warnings = [entry for entry in caplog.records if "the outbox is filling up" in entry.getMessage()]
    assert "1 pending, the oldest for 7.0 days" in warnings[0].getMessage()
    assert hours - 1 <= len(warnings) <= hours + 1


def test_it_warns_when_there_are_very_many(
    scene_for: SceneFor, refused_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = scene_for(refused_url)
    scene.outbox.file.run(
        lambda connection: connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            "INSERT INTO outcomes (digest, trade_id, body, recorded_at, due_at)"
            "SELECT randomblob(32), 't' || i, '{}', 2e9, 1e12 FROM n",
            (MANY_ROWS - 1,),
        )
    )
    with caplog.at_level(logging.ERROR):
        scene.sender.start()
        wait_until(lambda: f"{MANY_ROWS} pending" in caplog.text)
    assert scene.outbox.counts().pending == MANY_ROWS, "it warns and never drops"


class BuggyDelivery(Delivery):
    def run(self) -> None:
        raise AssertionError("a bug of ours")


def test_a_bug_does_not_end_the_thread(
    scene_for: SceneFor, hand_clock: HandClock, refused_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = scene_for(refused_url, BuggyDelivery)
    with caplog.at_level(logging.ERROR):
        scene.sender.start()
        wait_until(lambda: len(hand_clock.waits) >= 3)
        scene.close()
    assert caplog.text.count("AssertionError: a bug of ours") >= 3
    assert scene.outbox.counts().pending == 1
