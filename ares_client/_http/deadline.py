"""Wall-clock deadlines that hold whatever the network does, name resolution included.

Work runs in daemon threads; the caller waits no longer than its deadline and then abandons the work, which
cuts the connection under it. A name lookup cannot be cut: it keeps its thread, one of a fixed few, until it
returns.
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
    """A moment after which the caller no longer waits, known to the caller and to the worker."""

    def __init__(self, seconds: float, timing: Timing) -> None:
        self.seconds = seconds
        self._timing = timing
        self._end = timing.monotonic() + seconds
        self._lock = threading.Lock()
        self._abandoned = threading.Event()
        self._cut: Callable[[], None] | None = None

    def remaining(self) -> float:
        """Seconds left, 0 when it has passed."""
        return max(0.0, self._end - self._timing.monotonic())

    def pause(self, seconds: float) -> None:
        """Wait in the worker; ends early when the caller gives up."""
        self._timing.wait(self._abandoned, seconds)

    def abandon(self) -> None:
        """Called by the side that waits: cut whatever the worker holds."""
        with self._lock:
            self._abandoned.set()
            if self._cut:
                self._cut()

    @contextmanager
    def cutting(self, cut: Callable[[], None]) -> Iterator[None]:
        """While inside, `cut` is called from the other thread when the caller gives up."""
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
        """The error to raise once it has passed."""
        return DeadlineExceededError(f"no reply within {self.seconds:g} s")


class Call(Generic[T]):
    """Work under way in another thread."""

    def __init__(self, future: Future[T], deadline: Deadline) -> None:
        self._future = future
        self._deadline = deadline

    def wait(self) -> T:
        """The result, or the error that the work ended with.

        Raises
        ------
        DeadlineExceededError
            It has taken too long and is abandoned.
        """
        try:
            return self._future.result(self._deadline.remaining())
        except TimeoutError:
            self._abandon()
            raise self._deadline.exceeded() from None

    async def wait_async(self) -> T:
        """Like `wait`, without blocking the event loop."""
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
    """Up to `limit` daemon threads, started when there is work; what comes on top waits in line."""

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
            if future.set_running_or_notify_cancel():
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
        except RuntimeError as error:  # the system has no thread left to give
            self._queue.pop()
            future.set_exception(ServiceUnreachableError(f"no thread for the call: {error}"))
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
