"""Stops asking a service that does not answer, and finds out in the background when it does again."""

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
    """Opens after so many failures in a row; is closed again by a probe of its own, 5 to 60 s apart.

    `probe` asks the service whether it is well, in a daemon thread that lives while the breaker is open.
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
        """An answer came."""
        with self._lock:
            self._failures = 0
            self._probe_in_seconds = FIRST_PROBE_SECONDS

    def failed(self) -> None:
        """No usable answer came."""
        with self._lock:
            self._failures += 1
            if self.is_open or self._failures < self._failures_to_open or self._stopped.is_set():
                return
            self.is_open = True
        logger.warning("%d failures in a row: not asking until the service is well again", self._failures)
        self._start_probing()

    def stop(self) -> None:
        """End the probing, for good."""
        self._stopped.set()

    def _start_probing(self) -> None:
        try:
            threading.Thread(target=self._keep_probing, name="ares-advisor-probe", daemon=True).start()
        except RuntimeError:  # no thread to be had: ask again rather than stay open for ever
            self._close()

    def _keep_probing(self) -> None:
        while self.is_open and not self._timing.wait(self._stopped, self._next_pause()):
            if self._probe():
                self._close()
                logger.info("the service is well again")

    def _next_pause(self) -> float:
        """Doubles with every probe since the last answer, also across openings."""
        with self._lock:
            pause = self._probe_in_seconds
            self._probe_in_seconds = min(2 * pause, LONGEST_PROBE_SECONDS)
            return pause

    def _close(self) -> None:
        with self._lock:
            self.is_open = False
            self._failures = 0
