"""The breaker: three failures open it, its own probes close it, and they never come thick and fast."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from ares_client._advice.breaker import FAILURES_TO_OPEN, Breaker
from ares_client._process.timing import SYSTEM_TIMING, Timing
from tests.support.client_support import HandClock, threads_named
from tests.support.processes import wait_until

MakeBreaker = Callable[..., Breaker]
Count = Callable[[], int]


def fail(breaker: Breaker, times: int = FAILURES_TO_OPEN) -> None:
    for _ in range(times):
        breaker.failed()


@pytest.fixture
def probing() -> Count:
    """How many threads probe now, not counting those that an earlier test has left behind."""
    earlier = threads_named("ares-advisor-probe")
    return lambda: len(threads_named("ares-advisor-probe") - earlier)


@pytest.fixture
def breaker_for(probing: Count) -> Iterator[MakeBreaker]:
    made: list[Breaker] = []

    def make(probe: Callable[[], bool], timing: Timing = SYSTEM_TIMING) -> Breaker:
        made.append(Breaker(probe, timing, FAILURES_TO_OPEN))
        return made[-1]

    yield make
    for breaker in made:
        breaker.stop()
    wait_until(lambda: probing() == 0)


def test_three_failures_in_a_row_open_it(breaker_for: MakeBreaker) -> None:
    breaker = breaker_for(lambda: False)
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    was_open = breaker.is_open
    breaker.failed()
    assert (was_open, breaker.is_open) == (False, True)


def test_probes_are_5_to_60_seconds_apart_and_close_it(breaker_for: MakeBreaker, hand_clock: HandClock) -> None:
    answers = iter([False] * 6 + [True])
    breaker = breaker_for(lambda: next(answers), hand_clock.timing)
    fail(breaker)
    wait_until(lambda: not breaker.is_open)
    assert hand_clock.waits == [5, 10, 20, 40, 60, 60, 60]


def test_only_an_answer_brings_the_pause_back_to_5_seconds(
    breaker_for: MakeBreaker, probing: Count, hand_clock: HandClock
) -> None:
    """A service that is ready and yet gives no advice is not probed every five seconds for ever."""
    breaker = breaker_for(lambda: True, hand_clock.timing)
    for _ in range(2):
        fail(breaker)
        wait_until(lambda: not breaker.is_open and probing() == 0)
    breaker.succeeded()
    fail(breaker)
    wait_until(lambda: not breaker.is_open)
    assert hand_clock.waits == [5, 10, 5]


def test_there_is_one_probe_however_many_calls_fail(breaker_for: MakeBreaker, probing: Count) -> None:
    breaker = breaker_for(lambda: False)
    fail(breaker, 20)
    assert probing() == 1


def test_a_stopped_breaker_probes_no_more(breaker_for: MakeBreaker, probing: Count) -> None:
    breaker = breaker_for(lambda: False)
    fail(breaker)
    breaker.stop()
    wait_until(lambda: probing() == 0)
    fail(breaker)
    assert probing() == 0


def test_without_a_thread_to_probe_with_it_does_not_stay_open(
    breaker_for: MakeBreaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    breaker = breaker_for(lambda: False)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        fail(breaker)
    assert not breaker.is_open
