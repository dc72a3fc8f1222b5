"""The `advisor` command in the test's process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import service.cli
import service.keys.cli
from tests.support.command_line import RunCommand


@pytest.fixture
def run_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Runs one `advisor` command to its end, with these settings and no others."""
    for module in (service.cli, service.keys.cli):
        monkeypatch.setattr(module, "configure_logs", lambda *_: None)

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as outside:
            for name in [name for name in os.environ if name.startswith("ADVISOR_")]:
                outside.delenv(name)
            for name, value in settings.items():
                outside.setenv(name, value)
            outside.setattr(sys, "argv", ["advisor", *arguments])
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                service.cli.main()
        told = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), told.out, told.err)

    return run
