"""Unit tests start no process and open no socket: one that does fails. Hypothesis draws the same every time."""

from __future__ import annotations

import socket
import subprocess
from typing import Any, NoReturn

import joblib
import pytest
from hypothesis import settings

settings.register_profile("the same every time", derandomize=True, deadline=None, database=None)
settings.load_profile("the same every time")


@pytest.fixture(scope="session")
def _cores_are_counted() -> None:
    """joblib starts a process to count the cores the first time it is asked, even to run nothing in parallel."""
    joblib.cpu_count(only_physical_cores=True)


@pytest.fixture(autouse=True)
def _no_process_and_no_socket(_cores_are_counted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a unit test starts no process and opens no socket: move it to tests/integration")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
