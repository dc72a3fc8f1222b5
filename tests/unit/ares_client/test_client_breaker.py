"""The breaker: three failures open it, its own probes close it, and they never come thick and fast."""

from __future__ import annotations

import threading
import time

import pytest

from ares_client._advice.breaker import FAILURES_TO_OPEN, Breaker
from ares_client._process.timing import SYSTEM_TIMING


def probing_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ares-advisor-probe"]


def wait_until(condition) -> None:
    give_up_at = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.01)


def fail(breaker: Breaker, times: int = FAILURES_TO_OPEN) -> None:
    for _ in range(times):
        breaker.failed()


@pytest.fixture
def breaker_for():
    made = []

    def make(probe, timing=SYSTEM_TIMING) -> Breaker:
        made.append(Breaker(probe, timing, FAILURES_TO_OPEN))
        return made[-1]

    yield make
    for breaker in made:
        breaker.stop()
    wait_until(lambda: not probing_threads())


def test_three_failures_in_a_row_open_it(breaker_for):
    breaker = breaker_for(lambda: False)
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert not breaker.is_open
    breaker.failed()
    assert breaker.is_open


def test_probes_are_5_to_60_seconds_apart_and_close_it(breaker_for, hand_clock):
    answers = iter([False] * 6 + [True])
    breaker = breaker_for(lambda: next(answers), hand_clock.timing)
    fail(breaker)
    wait_until(lambda: not breaker.is_open)
    assert hand_clock.waits == [5, 10, 20, 40, 60, 60, 60]


def test_only_an_answer_brings_the_pause_back_to_5_seconds(breaker_for, hand_clock):
    """A service that is ready and yet gives no advice is not probed every five seconds for ever."""
    breaker = breaker_for(lambda: True, hand_clock.timing)
    for _ in range(2):
        fail(breaker)
        wait_until(lambda: not breaker.is_open and not probing_threads())
    breaker.succeeded()
    fail(breaker)
    wait_until(lambda: not breaker.is_open)
    assert hand_clock.waits == [5, 10, 5]


def test_there_is_one_probe_however_many_calls_fail(breaker_for):
    breaker = breaker_for(lambda: False)
    fail(breaker, 20)
    assert len(probing_threads()) == 1


def test_a_stopped_breaker_probes_no_more(breaker_for):
    breaker = breaker_for(lambda: False)
    fail(breaker)
    breaker.stop()
    wait_until(lambda: not probing_threads())
    fail(breaker)
    assert not probing_threads()


def test_without_a_thread_to_probe_with_it_does_not_stay_open(breaker_for, monkeypatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    breaker = breaker_for(lambda: False)
    fail(breaker)
    assert not breaker.is_open
