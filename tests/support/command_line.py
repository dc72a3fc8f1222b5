"""How a test runs a command of the service."""

from __future__ import annotations

import subprocess
from typing import Protocol


class RunCommand(Protocol):
    """Runs one `advisor` command to its end, with these settings and no others."""

    def __call__(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]: ...
