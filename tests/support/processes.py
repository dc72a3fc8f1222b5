"""Real parts for tests: databases cloned from a migrated template, and real service and worker processes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import asyncpg
import urllib3
from sqlalchemy import make_url

from service.db.embedded import EmbeddedPostgres
from tests.support.running_service import RunningService

PATIENT_SECONDS = 120.0
"""Reached only by a test that fails, so it allows for a machine whose cores are all busy."""
TEMPLATE = "advisor_template"
MEMORY = Path("/dev/shm")
ENOUGH_MEMORY_BYTES = 3 << 30

_reserved: list[socket.socket] = []


def wait_until(condition: Callable[[], Any], seconds: float = PATIENT_SECONDS) -> Any:
    """The first truthy answer of `condition`."""
    until = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"not so within {seconds} s")
        time.sleep(0.02)
    return answer


class Databases:
    """Makes databases on one embedded server, each a clone of a template."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._done_with: list[str] = []

    def make(self, template: str | None = TEMPLATE) -> str:
        """A new database; returns its URL."""
        while self._done_with:
            self.execute(f"DROP DATABASE {self._done_with.pop()} WITH (FORCE)")
        name = f"test_{uuid.uuid4().hex}"
        source = f" TEMPLATE {template}" if template else ""
        self.execute(f"CREATE DATABASE {name}{source}")
        return self.server.url(name)

    def drop_later(self, url: str) -> None:
        """Drop a database when the next is made: what its test has started is stopped by then."""
        self._done_with.append(str(make_url(url).database))

    def make_template(self, fill: Callable[[str], None]) -> str:
        """A new migrated database to clone others from, once `fill` has filled it; returns its name."""
        url = self.make()
        fill(url)
        return str(make_url(url).database)

    def execute(self, statement: str, database: str = "postgres") -> list[asyncpg.Record]:
        """Run a statement on its own connection."""
        return query(self.server.url(database), statement)


def query(url: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    """Rows of a statement on the database at `url`."""

    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return found
        finally:
            await connection.close()

    return asyncio.run(run())


def reserved_port() -> int:
    """A port of 127.0.0.1 that nobody else is given before this run ends.

    It stays bound here, without a listener: whoever asks for it by number may listen, and until somebody does,
    connections are refused.
    """
    reserving = socket.socket()
    reserving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserving.bind(("127.0.0.1", 0))
    _reserved.append(reserving)
    return int(reserving.getsockname()[1])


def unreachable_database() -> str:
    """The URL of a database at which every connection is refused."""
    return f"postgresql://advisor:hunter2@127.0.0.1:{reserved_port()}/advisor"


def environment_with(**settings: str) -> dict[str, str]:
    """Our environment with these settings and no others; requests to this machine take no detour."""
    ours = {name: value for name, value in os.environ.items() if "ADVISOR_" not in name}
    return ours | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"} | settings


class AdvisorProcess(RunningService):
    """One `advisor serve` or `advisor worker` process."""

    def __init__(self, command: str, database_url: str, data_dir: Path, settings: dict[str, str] | None = None) -> None:
        self.command = command
        self.database_url = database_url
        self.data_dir = data_dir
        self.settings = dict(settings or {})
        self.port = reserved_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def api_key(self) -> str | None:
        return self.settings.get("ADVISOR_API_KEY")

    @property
    def log(self) -> str:
        return self._log_file.read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def _log_file(self) -> Path:
        return self.data_dir / f"{self.command}-{self.port}.log"

    def start(self) -> Self:
        environment = environment_with(
            **{
                "ADVISOR_DATABASE_URL": self.database_url,
                "ADVISOR_DATA_DIR": str(self.data_dir),
                "ADVISOR_PORT": str(self.port),
                "ADVISOR_LOG_FORMAT": "json",
                "ADVISOR_DRAIN_SECONDS": "0",
                **self.settings,
            }
        )
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", self.command], env=environment, stdout=log, stderr=log
            )
        if self.command == "serve":
            wait_until(self._alive)
        else:
            wait_until(lambda: self._running() and "worker_ready" in self.log)
        return self

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end, and kill it if that does not come; returns the exit code."""
        assert self.process is not None
        try:
            return self.process.wait(PATIENT_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """`kill -9`, as a power cut would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        if self.process is None:
            return 0
        self.signal(signal.SIGTERM)
        return self.wait()

    def _running(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"advisor {self.command} ended with {self.process.returncode}: {self.log[-2000:]}")
        return True

    def _alive(self) -> bool:
        self._running()
        try:
            return self.request("GET", "/livez").status == 200
        except urllib3.exceptions.HTTPError:
            return False


def run_advisor(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one `advisor` command to its end."""
    return subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()", *arguments],
        env=environment_with(**settings),
        capture_output=True,
        text=True,
        timeout=PATIENT_SECONDS,
        check=False,
    )


def traversable_temporary_folder(prefix: str) -> Path:
    """A temporary folder that PostgreSQL, run as another user, can reach; in memory, where there is plenty of it."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_MEMORY_BYTES
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if in_memory else None))
    folder.chmod(0o711)
    return folder


StartProcess = Callable[..., AdvisorProcess]


def equip(service: RunningService, artefact: bytes, sample_days: list[dict[str, Any]]) -> None:
    """Give a service its bars and its model, and wait until it serves both."""
    assert service.request("PUT", "/market-days", {"days": sample_days}).status == 200
    assert service.request("POST", "/models", body=artefact).status in {200, 201}
    wait_until(service.has_model_and_bars)
