"""Time, waiting and randomness as arguments, so that tests can replace them."""

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
    """The four functions that a test replaces so that it need not wait."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds on a clock that never jumps, for deadlines."""
    now: Callable[[], float] = time.time
    """Seconds since 1970, for whatever outlives the process."""
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait
    """Wait for an event, for at most so many seconds. True if it was set."""
    random: Callable[[], float] = random.random
    """A number from 0 to 1, for jitter."""


SYSTEM_TIMING = Timing()
