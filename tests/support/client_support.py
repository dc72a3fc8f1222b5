"""What the client's tests share: a clock in the hand, an address where nobody listens, processes of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

import ares_client
from ares_client._process.timing import Timing

IMPORT_ROOT = Path(ares_client.__file__).parents[1]

PATIENT_SECONDS = 60.0
"""For a limit that is not under test: never reached, even where every core is busy."""
MARGIN_SECONDS = 20.0
"""How late a busy machine may be. A call that waits for what it should abandon is later than that."""


class RunPython(Protocol):
    """Runs a script to its end in a process of its own, and gives back what it has printed."""

    def __call__(self, script: str, *arguments: str, **variables: str) -> str: ...


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


def threads_named(name: str) -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == name}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is configured but by the test: neither by the shell that started pytest nor by an earlier test."""
    for name in list(os.environ):
        if name.startswith("ARES_ADVISOR_") or name == "XDG_STATE_HOME":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def threads_are_seen_out() -> Iterator[None]:
    """The client's threads are daemons that may outlive `close`: the next test is not to meet those of this one."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("ares-advisor-"):
            thread.join(PATIENT_SECONDS)
            assert not thread.is_alive(), f"{thread.name} goes on after the test"


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()


@pytest.fixture
def refused_url() -> Iterator[str]:
    """An address that refuses every connection: the port is taken for as long as the test runs, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture
def client_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables for a process that imports the client under test, with nothing configured and an empty home."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARES_ADVISOR_")}
    clean.pop("XDG_STATE_HOME", None)
    return clean | {"PYTHONPATH": str(IMPORT_ROOT), "HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture
def run_python(client_environment: dict[str, str]) -> RunPython:
    """Run a script to its end in a process of its own, and give back what it has printed."""

    def run(script: str, *arguments: str, **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            env=client_environment | variables,
            capture_output=True,
            text=True,
            timeout=2 * PATIENT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
