"""What the tests of the client and of its faults share: a clock in the hand, and processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import ares_client
from ares_client._process.timing import Timing

IMPORT_ROOT = Path(ares_client.__file__).parents[1]


@dataclass
class HandClock:
    """Time that passes only when somebody waits, and chance that is always the same."""

    seconds: float = 1_000.0
    chance: float = 0.5
    waits: list[float] = field(default_factory=list)

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.seconds, lambda: self.seconds, self._wait, lambda: self.chance)

    def _wait(self, event: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.seconds += seconds
        return event.is_set()


@pytest.fixture
def hand_clock():
    return HandClock()


@pytest.fixture
def client_environment():
    """Variables for a process that imports the client under test, and nothing configured."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARES_ADVISOR_")}
    return clean | {"PYTHONPATH": str(IMPORT_ROOT)}


@pytest.fixture
def run_python(client_environment):
    """Run a script to its end in a process of its own, and give back what it has printed."""

    def run(script: str, *arguments: str, **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=client_environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
