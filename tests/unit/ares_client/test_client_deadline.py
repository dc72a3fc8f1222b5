"""Deadlines and workers: nobody waits longer than said, and no more runs at once than said."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from ares_client import DeadlineExceededError, ServiceUnreachableError
from ares_client._http.deadline import Deadline, Workers
from ares_client._process.timing import SYSTEM_TIMING

NOISE_SECONDS = 0.5


def in_seconds(seconds: float) -> Deadline:
    return Deadline(seconds, SYSTEM_TIMING)


def test_a_deadline_counts_down(hand_clock):
    deadline = Deadline(2.0, hand_clock.timing)
    hand_clock.seconds += 0.5
    assert deadline.remaining() == 1.5
    hand_clock.seconds += 5
    assert deadline.remaining() == 0.0


def test_the_result_and_the_error_of_the_work_come_back():
    workers = Workers("test", 1)
    assert workers.start(lambda _: 42, in_seconds(5)).wait() == 42
    with pytest.raises(ZeroDivisionError):
        workers.start(lambda _: 1 // 0, in_seconds(5)).wait()


def test_work_that_takes_too_long_is_abandoned_and_cut():
    cut = threading.Event()

    def job(deadline: Deadline) -> None:
        with deadline.cutting(cut.set):
            cut.wait(10)

    began = time.monotonic()
    with pytest.raises(DeadlineExceededError, match=r"0\.2 s"):
        Workers("test", 1).start(job, in_seconds(0.2)).wait()
    assert 0.2 <= time.monotonic() - began < 0.2 + NOISE_SECONDS
    assert cut.is_set()


def test_what_was_finished_is_not_cut_afterwards():
    cuts = []
    deadline = in_seconds(5)
    with deadline.cutting(lambda: cuts.append("cut")):
        pass
    deadline.abandon()
    assert cuts == []


def test_nothing_is_begun_for_a_caller_who_has_gone():
    deadline = in_seconds(5)
    deadline.abandon()
    with pytest.raises(DeadlineExceededError), deadline.cutting(pytest.fail):
        pytest.fail("begun all the same")


def test_a_pause_ends_when_the_caller_goes():
    deadline = in_seconds(0.1)
    began = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        Workers("test", 1).start(lambda limit: limit.pause(30), deadline).wait()
    assert time.monotonic() - began < 0.1 + NOISE_SECONDS


def test_no_more_than_the_limit_run_at_once_and_the_rest_wait_in_line():
    workers = Workers("test", 2)
    running, most, lock = [], [], threading.Lock()
    gate = threading.Event()

    def job(_: Deadline) -> str:
        with lock:
            running.append(1)
            most.append(len(running))
        gate.wait(5)
        with lock:
            running.pop()
        return "done"

    calls = [workers.start(job, in_seconds(5)) for _ in range(6)]
    time.sleep(0.1)
    assert len(running) == 2
    gate.set()
    assert [call.wait() for call in calls] == ["done"] * 6
    assert max(most) == 2


def test_a_call_that_waits_in_line_keeps_its_deadline_and_never_runs():
    workers = Workers("test", 1)
    gate, ran = threading.Event(), []
    blocking = workers.start(lambda _: gate.wait(5), in_seconds(5))
    with pytest.raises(DeadlineExceededError):
        workers.start(lambda _: ran.append("late"), in_seconds(0.1)).wait()
    gate.set()
    assert blocking.wait() is True
    assert workers.start(lambda _: "next", in_seconds(5)).wait() == "next"
    assert ran == []


def test_a_system_without_threads_is_an_error_of_the_call(monkeypatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    workers = Workers("test", 1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        call = workers.start(lambda _: 42, in_seconds(5))
    with pytest.raises(ServiceUnreachableError, match="can't start new thread"):
        call.wait()
    assert workers.start(lambda _: 42, in_seconds(5)).wait() == 42


def test_awaiting_is_bounded_too():
    gate = threading.Event()

    async def scenario() -> float:
        began = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            await Workers("test", 1).start(lambda _: gate.wait(10), in_seconds(0.2)).wait_async()
        return time.monotonic() - began

    seconds = asyncio.run(scenario())
    gate.set()
    assert 0.2 <= seconds < 0.2 + NOISE_SECONDS


def test_a_cancelled_task_abandons_its_call():
    cut = threading.Event()

    def job(deadline: Deadline) -> None:
        with deadline.cutting(cut.set):
            cut.wait(10)

    async def scenario() -> None:
        task = asyncio.create_task(Workers("test", 1).start(job, in_seconds(10)).wait_async())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert cut.is_set()
