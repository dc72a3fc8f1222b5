"""Deadlines that hold whatever the network does, DNS lookup included.

Socket time-outs are not enough: each covers one step, and `socket.getaddrinfo` has none. The work therefore runs
in another thread. The caller waits until its deadline and then abandons the work, which cuts the connection under
it. A DNS lookup cannot be cut. It occupies its thread, one of a fixed few, until it returns.

The threads are daemons, and not those of `concurrent.futures`, because Python waits for the latter at exit.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from ares_client.errors import DeadlineExceededError, ServiceUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ares_client._process.timing import Timing

T = TypeVar("T")


class Deadline:
    """The moment at which the caller stops waiting, shared by the caller and the worker."""

    def __init__(self, seconds: float, timing: Timing) -> None:
        self.seconds = seconds
        self._timing = timing
        self._end = timing.monotonic() + seconds
        self._lock = threading.Lock()
        self._abandoned = threading.Event()
        self._cut: Callable[[], None] | None = None

    def remaining(self) -> float:
        """Seconds left, or 0 once it has passed."""
        return max(0.0, self._end - self._timing.monotonic())

    def pause(self, seconds: float) -> None:
        """Pause the worker. Ends early if the caller gives up."""
        self._timing.wait(self._abandoned, seconds)

    def abandon(self) -> None:
        """Give up, called by the waiting side: cut whatever the worker holds."""
        with self._lock:
            self._abandoned.set()
            if self._cut:
                self._cut()

    @contextmanager
    def cutting(self, cut: Callable[[], None]) -> Iterator[None]:
        """If the caller gives up inside the block, `cut` is called, from the caller's thread."""
        with self._lock:
            if self._abandoned.is_set():
                raise self.exceeded()
            self._cut = cut
        try:
            yield
        finally:
            with self._lock:
                self._cut = None

    def exceeded(self) -> DeadlineExceededError:
        """The error to raise once the deadline has passed."""
        return DeadlineExceededError(f"no reply within {self.seconds:g} s")


class Call(Generic[T]):
    """Work in progress in another thread."""

    def __init__(self, future: Future[T], deadline: Deadline) -> None:
        self._future = future
        self._deadline = deadline

    def wait(self) -> T:
        """Wait for the result, or raise the error that the work ended with.

        Raises
        ------
        DeadlineExceededError
            The work took too long and was abandoned.
        """
        try:
            return self._future.result(self._deadline.remaining())
        except TimeoutError:
            self._abandon()
            raise self._deadline.exceeded() from None

    async def wait_async(self) -> T:
        """Like `wait`, but without blocking the event loop."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._future), self._deadline.remaining())
        except TimeoutError:
            self._abandon()
            raise self._deadline.exceeded() from None
        except asyncio.CancelledError:
            self._abandon()
            raise

    def _abandon(self) -> None:
        self._future.cancel()
        self._deadline.abandon()


class Workers:
    """Up to `limit` daemon threads, started when there is work. Further work waits in a queue."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = f"ares-advisor-{name}"
        self._limit = limit
        self._lock = threading.Lock()
        self._queue: deque[Callable[[], None]] = deque()
        self._running = 0

    def start(self, job: Callable[[Deadline], T], deadline: Deadline) -> Call[T]:
        """Run the job as soon as a thread is free."""
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():  # false if the caller gave up while the job was queued
                try:
                    future.set_result(job(deadline))
                except BaseException as error:
                    future.set_exception(error)

        with self._lock:
            self._queue.append(run)
            if self._running < self._limit:
                self._start_thread(future)
        return Call(future, deadline)

    def _start_thread(self, future: Future[T]) -> None:
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        except RuntimeError as error:  # the system cannot start another thread
            self._queue.pop()
            future.set_exception(ServiceUnreachableError(f"no thread could be started for the call: {error}"))
        else:
            self._running += 1

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._running -= 1
                    return
                run = self._queue.popleft()
            run()
