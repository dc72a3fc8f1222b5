"""Real parts for tests: databases cloned from a migrated template, and real service and worker processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import urllib3

from service.db.embedded import EmbeddedPostgres

START_SECONDS = 60.0
TEMPLATE = "advisor_template"


def wait_until(condition: Callable[[], Any], seconds: float = START_SECONDS) -> Any:
    """The first truthy answer of `condition`."""
    until = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"not so within {seconds} s")
        time.sleep(0.02)
    return answer


class Databases:
    """Makes databases on one embedded server, each a clone of a migrated template."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    def make(self, template: str | None = TEMPLATE) -> str:
        """A new database; returns its URL."""
        name = f"test_{uuid.uuid4().hex}"
        source = f" TEMPLATE {template}" if template else ""
        self.execute(f"CREATE DATABASE {name}{source}")
        return self.server.url(name)

    def execute(self, statement: str, database: str = "postgres") -> list[asyncpg.Record]:
        """Run a statement on its own connection."""

        async def run() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.server.url(database).replace("+asyncpg", ""))
            try:
                return await connection.fetch(statement)
            finally:
                await connection.close()

        return asyncio.run(run())


def query(url: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    """Rows of a statement on the database at `url`."""

    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    return asyncio.run(run())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class AdvisorProcess:
    """One `advisor serve` or `advisor worker` process."""

    command: str
    database_url: str
    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_key(self) -> str | None:
        return self.settings.get("ADVISOR_API_KEY")

    @property
    def log(self) -> str:
        return self._log_file.read_text()

    @property
    def _log_file(self) -> Path:
        return self.data_dir / f"{self.command}-{self.port}.log"

    def start(self) -> AdvisorProcess:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")},
            "ADVISOR_DATABASE_URL": self.database_url,
            "ADVISOR_DATA_DIR": str(self.data_dir),
            "ADVISOR_PORT": str(self.port),
            "ADVISOR_LOG_FORMAT": "json",
            "ADVISOR_DRAIN_SECONDS": "0",
            **self.settings,
        }
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

    def kill(self) -> None:
        """`kill -9`, as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Stop gracefully; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        return self.process.returncode

    def restart(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.start()

    def request(self, method: str, path: str, json: Any = None, **options: Any) -> urllib3.BaseHTTPResponse:
        if self.api_key is not None:
            options.setdefault("headers", {})["authorization"] = f"Bearer {self.api_key}"
        return urllib3.request(method, f"{self.url}{path}", json=json, retries=False, timeout=30.0, **options)

    def ready(self) -> bool:
        return self.request("GET", "/readyz").status == 200

    def knows(self, key: str) -> bool:
        """Whether a key has reached this process."""
        headers = {"authorization": f"Bearer {key}"}
        return urllib3.request("GET", f"{self.url}/models", headers=headers, retries=False).status != 401

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
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")} | settings
    return subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def traversable_temporary_folder(prefix: str) -> Path:
    """A temporary folder that PostgreSQL, run as another user, can reach."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    return folder


StartProcess = Callable[..., AdvisorProcess]


def equip(service: AdvisorProcess, artefact: bytes, sample_days: list[dict[str, Any]]) -> None:
    """Give a service its bars and its model, and wait until it serves both."""
    assert service.request("PUT", "/market-days", {"days": sample_days}).status == 200
    assert service.request("POST", "/models", body=artefact).status in {200, 201}
    wait_until(lambda: service.ready() and service.request("GET", "/readyz").json()["market_days_through"])
