"""The circuit breaker: stops asking a failing service, and probes it in the background until it recovers."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ares_client._process.timing import Timing

FAILURES_TO_OPEN = 3
FIRST_PROBE_SECONDS = 5.0
LONGEST_PROBE_SECONDS = 60.0

logger = logging.getLogger(__name__)


class Breaker:
    """Opens after several failures in a row. While it is open it probes every 5 to 60 s, and a success closes it.

    `probe` asks the service whether it is healthy. It runs in a daemon thread that lives while the breaker is open.
    """

    def __init__(self, probe: Callable[[], bool], timing: Timing, failures_to_open: int) -> None:
        self._probe = probe
        self._timing = timing
        self._failures_to_open = failures_to_open
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._failures = 0
        self._probe_in_seconds = FIRST_PROBE_SECONDS
        self.is_open = False

    def succeeded(self) -> None:
        """The service answered."""
        with self._lock:
            self._failures = 0
            self._probe_in_seconds = FIRST_PROBE_SECONDS

    def failed(self) -> None:
        """The service gave no usable answer."""
        with self._lock:
            self._failures += 1
            if self.is_open or self._failures < self._failures_to_open or self._stopped.is_set():
                return
            self.is_open = True
        logger.warning("%d failures in a row: not asking again until the service recovers", self._failures)
        self._start_probing()

    def stop(self) -> None:
        """Stop probing for good."""
        self._stopped.set()

    def _start_probing(self) -> None:
        try:
            threading.Thread(target=self._keep_probing, name="ares-advisor-probe", daemon=True).start()
        except RuntimeError:  # no thread for the probes: close, or it would stay open for ever
            self._close()

    def _keep_probing(self) -> None:
        while self.is_open and not self._timing.wait(self._stopped, self._next_pause()):
            if self._probe():
                self._close()
                logger.info("the service has recovered")

    def _next_pause(self) -> float:
        """Seconds until the next probe. They double until the service answers, also across openings."""
        with self._lock:
            pause = self._probe_in_seconds
            self._probe_in_seconds = min(2 * pause, LONGEST_PROBE_SECONDS)
            return pause

    def _close(self) -> None:
        with self._lock:
            self.is_open = False
            self._failures = 0
