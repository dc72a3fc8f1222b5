"""Deadlines and workers: nobody waits longer than said, and no more runs at once than said."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from ares_client import DeadlineExceededError, ServiceUnreachableError
from ares_client._http.deadline import Deadline, Workers
from ares_client._process.timing import SYSTEM_TIMING
from tests.support.client_support import MARGIN_SECONDS, PATIENT_SECONDS, HandClock, threads_named
from tests.support.processes import wait_until


def in_seconds(seconds: float) -> Deadline:
    return Deadline(seconds, SYSTEM_TIMING)


class Stuck:
    """A job that is under way until it is cut, or for longer than any test waits."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.cut = threading.Event()

    def __call__(self, deadline: Deadline) -> None:
        with deadline.cutting(self.cut.set):
            self.begun.set()
            self.cut.wait(2 * PATIENT_SECONDS)


def test_a_deadline_counts_down(hand_clock: HandClock) -> None:
    deadline = Deadline(2.0, hand_clock.timing)
    hand_clock.seconds += 0.5
    assert deadline.remaining() == 1.5
    hand_clock.seconds += 5
    assert deadline.remaining() == 0.0


def test_the_result_and_the_error_of_the_work_come_back() -> None:
    workers = Workers("test", 1)
    assert workers.start(lambda _: 42, in_seconds(PATIENT_SECONDS)).wait() == 42
    with pytest.raises(ZeroDivisionError):
        workers.start(lambda _: 1 // 0, in_seconds(PATIENT_SECONDS)).wait()


def test_work_that_takes_too_long_is_abandoned_and_cut() -> None:
    stuck = Stuck()
    began = time.monotonic()
    call = Workers("test", 1).start(stuck, in_seconds(0.2))
    assert stuck.begun.wait(PATIENT_SECONDS)
    with pytest.raises(DeadlineExceededError, match=r"0\.2 s"):
        call.wait()
    assert 0.2 <= time.monotonic() - began < MARGIN_SECONDS
    assert stuck.cut.is_set()


def test_what_was_finished_is_not_cut_afterwards() -> None:
    cuts: list[str] = []
    deadline = in_seconds(PATIENT_SECONDS)
    with deadline.cutting(lambda: cuts.append("cut")):
        pass
    deadline.abandon()
    assert cuts == []


def test_nothing_is_begun_for_a_caller_who_has_gone() -> None:
    deadline = in_seconds(PATIENT_SECONDS)
    deadline.abandon()
    with pytest.raises(DeadlineExceededError), deadline.cutting(pytest.fail):
        pytest.fail("begun all the same")


def test_a_pause_ends_when_the_caller_goes() -> None:
    paused, ended = threading.Event(), threading.Event()

    def job(limit: Deadline) -> None:
        paused.set()
        limit.pause(2 * PATIENT_SECONDS)
        ended.set()

    call = Workers("test", 1).start(job, in_seconds(0.1))
    assert paused.wait(PATIENT_SECONDS)
    with pytest.raises(DeadlineExceededError):
        call.wait()
    assert ended.wait(PATIENT_SECONDS)


def test_no_more_than_the_limit_run_at_once_and_the_rest_wait_in_line() -> None:
    workers = Workers("limited", 2)
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()
    gate = threading.Event()

    def job(_: Deadline) -> str:
        with lock:
            running.append(1)
            most.append(len(running))
        gate.wait(PATIENT_SECONDS)
        with lock:
            running.pop()
        return "done"

    calls = [workers.start(job, in_seconds(2 * PATIENT_SECONDS)) for _ in range(6)]
    assert len(threads_named("ares-advisor-limited")) == 2
    wait_until(lambda: len(running) == 2)
    gate.set()
    assert [call.wait() for call in calls] == ["done"] * 6
    assert max(most) == 2


def test_a_call_that_waits_in_line_keeps_its_deadline_and_never_runs() -> None:
    workers = Workers("test", 1)
    gate = threading.Event()
    ran: list[str] = []
    blocking = workers.start(lambda _: gate.wait(PATIENT_SECONDS), in_seconds(2 * PATIENT_SECONDS))
    with pytest.raises(DeadlineExceededError):
        workers.start(lambda _: ran.append("late"), in_seconds(0.1)).wait()
    gate.set()
    assert blocking.wait() is True
    assert workers.start(lambda _: "next", in_seconds(PATIENT_SECONDS)).wait() == "next"
    assert ran == []


def test_a_system_without_threads_is_an_error_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    workers = Workers("test", 1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        call = workers.start(lambda _: 42, in_seconds(PATIENT_SECONDS))
    with pytest.raises(ServiceUnreachableError, match="can't start new thread"):
        call.wait()
    assert workers.start(lambda _: 42, in_seconds(PATIENT_SECONDS)).wait() == 42


def test_awaiting_is_bounded_too() -> None:
    stuck = Stuck()

    async def scenario() -> float:
        began = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            await Workers("test", 1).start(stuck, in_seconds(0.2)).wait_async()
        return time.monotonic() - began

    assert 0.2 <= asyncio.run(scenario()) < MARGIN_SECONDS


def test_a_cancelled_task_abandons_its_call() -> None:
    stuck = Stuck()

    async def scenario() -> None:
        task = asyncio.create_task(Workers("test", 1).start(stuck, in_seconds(PATIENT_SECONDS)).wait_async())
        assert await asyncio.to_thread(stuck.begun.wait, PATIENT_SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert stuck.cut.is_set()
