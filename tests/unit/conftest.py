"""Unit tests need no process and no socket: one that starts or opens any fails."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import Any, NoReturn

import pytest


# joblib's loky would start a process to count the cores, even to run nothing in parallel.
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "2")


@pytest.fixture(autouse=True)
def _no_process_and_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a unit test starts no process and opens no socket: move it to tests/integration")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
