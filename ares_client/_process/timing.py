"""Where time, waiting and chance come from, so that nothing that decides reads them by itself."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Timing:
    """The four things that a test replaces to need no waiting."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds that never jump: for deadlines."""
    now: Callable[[], float] = time.time
    """Seconds since 1970: for what outlives the process."""
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait
    """Wait for an event at most so many seconds; true when it was set."""
    random: Callable[[], float] = random.random
    """A number from 0 to 1, for jitter."""


SYSTEM_TIMING = Timing()
