"""Steady load on services from several threads, with every answer kept."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import urllib3

from tests.support.running_service import RunningService

ADVICE = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T09:35:00-05:00"}
NO_ANSWER = 0
MARGIN_SECONDS = 20.0
"""How late a machine whose cores are all busy may be now and then: less than what waits without a limit."""


@dataclass(frozen=True)
class Answer:
    """What came back, when it was asked for and how long it took."""

    path: str
    asked_at: float
    seconds: float
    status: int
    headers: Any
    body: Any
    sent: dict[str, Any] | None

    @property
    def came_at(self) -> float:
        return self.asked_at + self.seconds


def ask(service: RunningService, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
    """One request; no answer at all has status 0."""
    asked_at = time.monotonic()
    try:
        reply = service.request(method, path, body)
    except urllib3.exceptions.HTTPError as error:
        return Answer(path, asked_at, time.monotonic() - asked_at, NO_ANSWER, {}, str(error), body)
    is_json = "json" in reply.headers.get("content-type", "")
    content = reply.json() if is_json else reply.data
    return Answer(path, asked_at, time.monotonic() - asked_at, reply.status, reply.headers, content, body)


def ask_at_once(service: RunningService, count: int, method: str, path: str, bodies: Iterator[Any]) -> list[Answer]:
    """So many requests at the same time."""
    together = threading.Barrier(count)

    def one(body: Any) -> Answer:
        together.wait()
        return ask(service, method, path, body)

    with ThreadPoolExecutor(count) as askers:
        return list(askers.map(one, itertools.islice(bodies, count)))


def assert_within(seconds: float, answers: list[Answer]) -> None:
    """As a rule an answer takes less, and none takes much more: a limit that is not kept shows in every one."""
    took = [answer.seconds for answer in answers]
    assert median(took) < seconds, took
    assert max(took) < seconds + MARGIN_SECONDS, took


def trades(prefix: str) -> Iterator[dict[str, Any]]:
    """Trades without end, each with an id of its own."""
    for number in itertools.count():
        yield {
            "trade_id": f"{prefix}-{number}",
            "trade_date": "2018-12-03",
            "outcome": "MAX_PROFIT",
            "net_pnl": 142.5,
        }


@dataclass
class Load:
    """Askers that go on until they are told to stop."""

    pause_seconds: float
    answers: list[Answer] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def of(self, path: str, since: float = 0.0) -> list[Answer]:
        """The answers from a path that were asked for since a moment."""
        return [answer for answer in list(self.answers) if answer.path == path and answer.asked_at >= since]

    def acknowledged(self) -> set[str]:
        """The trades that the service said it has."""
        return {answer.sent["trade_id"] for answer in self.of("/outcomes") if answer.status == 201 and answer.sent}

    def asker(self, service: RunningService, path: str, bodies: Iterator[dict[str, Any]]) -> threading.Thread:
        """A thread that posts one body after another."""

        def post() -> None:
            while not self.stopped.is_set():
                self.answers.append(ask(service, "POST", path, next(bodies)))
                self.stopped.wait(self.pause_seconds)

        return threading.Thread(target=post)


@contextmanager
def load_on(
    services: list[RunningService], *, advisers: int = 1, reporters: int = 0, pause_seconds: float = 0.02
) -> Iterator[Load]:
    """Askers on each service: for advice, and with outcomes."""
    load = Load(pause_seconds)
    threads = []
    for service in services:
        for _ in range(advisers):
            threads.append(load.asker(service, "/advice", itertools.repeat(ADVICE)))
        for _ in range(reporters):
            threads.append(load.asker(service, "/outcomes", trades(f"load-{len(threads)}-{time.monotonic_ns()}")))
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopped.set()
        for thread in threads:
            thread.join()
