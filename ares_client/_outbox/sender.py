"""The background sender: one thread that empties the outbox and retries for as long as it takes."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ares_client._http.deadline import Deadline
from ares_client.errors import (
    OutboxUnavailableError,
    ServiceError,
    ServiceFailedError,
    ServiceUnreachableError,
)

if TYPE_CHECKING:
    from ares_client._outbox.delivery import Delivery
    from ares_client._outbox.outbox import Outbox
    from ares_client._process.locks import FileLock
    from ares_client._process.timing import Timing

logger = logging.getLogger(__name__)

FIRST_CEILING_SECONDS = 1.0
LAST_CEILING_SECONDS = 300.0
IDLE_SECONDS = 30.0
LOCKED_SECONDS = 1.0
MANY_ROWS = 10_000
OLD_SECONDS = 7 * 86_400.0
WARN_EVERY_SECONDS = 3600.0


class Backoff:
    """Pauses with full jitter, below a ceiling that doubles from 1 s to 5 minutes.

    See https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._ceiling_seconds = FIRST_CEILING_SECONDS

    def next_pause(self, at_least_seconds: float) -> float:
        """Seconds to wait after another failure."""
        pause = self._timing.random() * self._ceiling_seconds
        self._ceiling_seconds = min(2 * self._ceiling_seconds, LAST_CEILING_SECONDS)
        return max(pause, at_least_seconds)

    def reset(self) -> None:
        """Start again at the first ceiling."""
        self._ceiling_seconds = FIRST_CEILING_SECONDS


class Sender:
    """Delivers in a daemon thread that starts on first use and retries for ever.

    `turn` is a lock between the processes that share an outbox. Only its holder sends, so that two of
    them do not send the same trade.
    """

    def __init__(self, outbox: Outbox, delivery: Delivery, turn: FileLock, timing: Timing) -> None:
        self._outbox = outbox
        self._delivery = delivery
        self._turn = turn
        self._timing = timing
        self._backoff = Backoff(timing)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._pass_ended = threading.Condition()
        self._passes = 0
        self._warn_again_at = 0.0
        self.problem: Exception | None = None
        """Why the last pass did not deliver everything; None if it did."""

    def start(self) -> None:
        """Start the thread, unless it is running or has been stopped."""
        with self._starting:
            if self._thread or self._stopping.is_set():
                return
            thread = threading.Thread(target=self._run, name="ares-advisor-sender", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no thread available: the next call tries again
                logger.warning("the sender could not start: %s", error)
            else:
                self._thread = thread

    def row_added(self) -> None:
        """Send soon. After a failure, wait for the next attempt as planned."""
        self.start()
        if self.problem is None:
            self._wake.set()

    def service_answered(self) -> None:
        """The service has answered another call. If it was unreachable before, try again now."""
        self.start()
        if isinstance(self.problem, ServiceUnreachableError):
            self._wake.set()

    def flush(self, seconds: float, *, until_failure: bool = False) -> bool:
        """Try to deliver now, for at most `seconds`. True if nothing is pending any more."""
        deadline = Deadline(seconds, self._timing)
        self.start()
        self._wake.set()
        while True:
            passes = self._passes  # read before counting, so that no pass is missed
            if not self._outbox.counts().pending:
                return True
            is_in_time = self._wait_for_more_passes_than(passes, deadline.remaining())
            if not is_in_time or (until_failure and self.problem):
                return not self._outbox.counts().pending

    def stop(self, seconds: float) -> None:
        """Deliver what can be delivered at once, then end the thread, all within `seconds`."""
        deadline = Deadline(seconds, self._timing)
        if self._thread and not self.problem:
            with suppress(OutboxUnavailableError):
                self.flush(seconds, until_failure=True)
        self._stopping.set()
        self._wake.set()
        if self._thread:
            self._thread.join(deadline.remaining())

    def _wait_for_more_passes_than(self, passes: int, seconds: float) -> bool:
        if self._stopping.is_set():
            return False
        with self._pass_ended:
            return self._pass_ended.wait_for(lambda: self._passes > passes, seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            pause = self._pass()
            if self.problem:
                self._wake.clear()  # a trade added during the pass does not shorten the pause
            with self._pass_ended:
                self._passes += 1
                self._pass_ended.notify_all()
            if not self._stopping.is_set():
                self._timing.wait(self._wake, pause)
        self._outbox.file.close()  # a pass that outlived `stop` may have opened it again

    def _pass(self) -> float:
        """Deliver what is due. Returns the seconds until the next pass."""
        try:
            if self._outbox.due(1):
                with self._turn.held() as is_ours:
                    if not is_ours:
                        return LOCKED_SECONDS * (0.5 + self._timing.random())
                    self._delivery.run()
        except (ServiceError, OutboxUnavailableError, OSError) as error:
            return self._failed(error)
        except Exception as error:  # a bug must not end the only thread that delivers
            logger.exception("unexpected error in the sender")
            return self._failed(error)
        self._backoff.reset()
        if self.problem is None:
            return IDLE_SECONDS
        logger.info("delivery works again")
        self.problem = None
        return 0.0  # a trade added during the pass did not wake this thread

    def _failed(self, error: Exception) -> float:
        retry_after = error.retry_after_seconds if isinstance(error, ServiceFailedError) else None
        pause = self._backoff.next_pause(retry_after or 0.0)
        level = logging.DEBUG if str(error) == str(self.problem) else logging.WARNING
        logger.log(level, "delivery failed, trades stay in the outbox, next attempt in %.0f s: %s", pause, error)
        self.problem = error
        self._warn_if_overdue()
        return pause

    def _warn_if_overdue(self) -> None:
        if self._timing.monotonic() < self._warn_again_at:
            return
        with suppress(OutboxUnavailableError):
            counts = self._outbox.counts()
            oldest = counts.oldest_pending_at
            age_seconds = self._timing.now() - oldest if oldest is not None else 0.0
            if counts.pending + counts.quarantined >= MANY_ROWS or age_seconds >= OLD_SECONDS:
                self._warn_again_at = self._timing.monotonic() + WARN_EVERY_SECONDS
                logger.error(
                    "the outbox is filling up: %d pending, the oldest for %.1f days, and %d in quarantine",
                    counts.pending,
                    age_seconds / 86_400,
                    counts.quarantined,
                )
