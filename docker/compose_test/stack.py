"""One compose project under test: its .env, its containers, and the service's HTTP interface."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from checks import CheckFailedError, expect, wait_until
from engine import Completed, Engine

HTTP = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(10.0))
KILL_EVERYTHING = "kill -9 -1"
"""Every process of a container but its init, which then ends: a crash, as the engine sees it."""


@dataclass(frozen=True)
class Reply:
    """An answer of the service."""

    status: int
    content: bytes
    replica: str = ""

    @property
    def data(self) -> Any:
        """The JSON in it."""
        return json.loads(self.content)


@dataclass
class Stack:
    """A checkout started as a compose project of its own."""

    engine: Engine
    checkout: Path
    project: str
    settings: dict[str, str]
    override: Path | None = None
    compose_command: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.compose_command = self.engine.compose_command()
        self.settings = {
            "POSTGRES_PASSWORD": secrets.token_hex(16),
            "ADVISOR_API_KEY": secrets.token_hex(16),
            "ADVISOR_PORT": str(free_port()),
            "PROXY_PORT": str(free_port()),
        } | self.settings
        self.write_env()

    @property
    def key(self) -> str:
        """The bootstrap key."""
        return self.settings["ADVISOR_API_KEY"]

    @property
    def url(self) -> str:
        """Where the service is published; the proxy, where ADVISOR_PORT leaves the choice to the engine."""
        port = self.settings["ADVISOR_PORT"]
        return f"http://127.0.0.1:{self.settings['PROXY_PORT'] if port == '0' else port}"

    def write_env(self, **changed: str) -> None:
        """Change settings, as the operator does."""
        self.settings |= changed
        lines = [f"{name}={value}" for name, value in self.settings.items()]
        (self.checkout / ".env").write_text("\n".join(lines) + "\n")

    def try_compose(self, *arguments: str, seconds: float = 300, given: bytes | None = None) -> Completed:
        """Run compose, whatever comes of it."""
        return self.engine.run(self._command(arguments), seconds=seconds, folder=self.checkout, given=given)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        files = ["--file=docker-compose.yml"] + ([f"--file={self.override}"] if self.override else [])
        return [*self.compose_command, "--project-name", self.project, *files, *arguments]

    def compose(self, *arguments: str, seconds: float = 300, given: bytes | None = None) -> str:
        """Run compose, which must succeed; returns what it printed."""
        done = self.try_compose(*arguments, seconds=seconds, given=given)
        if done.code:
            raise CheckFailedError(f"compose {' '.join(arguments[:4])} ended with {done.code}: {done.output[-1500:]}")
        return done.output

    def save(self, where: Path, *arguments: str) -> None:
        """Run compose, with what it prints in a file."""
        with where.open("wb") as file:
            done = self.engine.run(self._command(arguments), folder=self.checkout, into=file)
        expect(done.code == 0, f"compose {' '.join(arguments[:4])} ended with {done.code}: {done.output[-500:]}")

    def up(self, *services: str) -> None:
        """Start in the background; images are there already."""
        self.compose("up", "--detach", "--no-build", *services)

    def containers(self, service: str) -> list[str]:
        """The ids of a service's containers, stopped ones too."""
        labels = [f"com.docker.compose.project={self.project}", f"com.docker.compose.service={service}"]
        found = self.engine.docker("ps", "--all", "--quiet", *(f"--filter=label={label}" for label in labels))
        # One-off containers of `compose run` are removed at once, and never counted.
        return [one for one in found.split() if self.label(one, "com.docker.compose.oneoff") != "True"]

    def label(self, container: str, name: str) -> str:
        """A container's label."""
        labels: dict[str, str] = self.engine.inspect(container)["Config"]["Labels"]  # type: ignore[index]
        return labels.get(name, "")

    def state(self, service: str) -> dict[str, Any]:
        """The engine's view of a service's only container."""
        (container,) = self.containers(service)
        found = self.engine.inspect(container)
        return {**found["State"], "RestartCount": found["RestartCount"]}  # type: ignore[dict-item]

    def healthy(self, service: str) -> list[str]:
        """Those of its containers that pass their health check."""
        return [one for one in self.containers(service) if _health(self.engine.inspect(one)) == "healthy"]

    def wait_healthy(self, service: str, count: int = 1, seconds: float = 90) -> None:
        """Until that many containers of a service pass their health check."""
        wait_until(f"{count} of {service} healthy", lambda: len(self.healthy(service)) == count, seconds)

    def logs(self, service: str) -> str:
        """What a service's containers have logged."""
        return "\n".join(self.engine.docker("logs", container) for container in self.containers(service))

    def execute(self, service: str, *command: str, given: bytes | None = None) -> str:
        """Run a command in a service's container."""
        return self.compose("exec", "-T", service, *command, given=given)

    def sql(self, statement: str) -> str:
        """What one statement returns, bare."""
        return self.execute("postgres", "psql", "--username=advisor", "--no-align", "--tuples-only", f"-c{statement}")

    def crash(self, service: str) -> None:
        """`kill -9` on all that runs in it, and wait until the engine has started it again."""
        before = self.state(service)["RestartCount"]
        self.try_compose("exec", "-T", service, "sh", "-c", KILL_EVERYTHING)
        wait_until(
            f"{service} started again",
            lambda: (now := self.state(service))["RestartCount"] > before and now["Running"],
        )

    def request(
        self, method: str, path: str, body: object = None, *, key: str | None = None, url: str | None = None
    ) -> Reply:
        """Ask the service, with the bootstrap key unless another is given.

        Raises
        ------
        OSError
            Where nobody answers.
        """
        headers = {"authorization": f"Bearer {key or self.key}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body)
        try:
            reply = HTTP.request(method, (url or self.url) + path, body=content, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionError(str(error)) from error
        return Reply(reply.status, reply.data, reply.headers.get("x-replica", ""))

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The data of an answer that must be 2xx."""
        reply = self.request(method, path, body)
        expect(reply.status < 300, f"{method} {path} answered {reply.status}: {reply.content[:500]!r}")
        return reply.data

    def wait_ready(self, seconds: float = 60) -> str:
        """Until /readyz says so; returns the version that is served."""
        wait_until("ready", lambda: self.request("GET", "/readyz").status == 200, seconds)
        version: str = self.ask("GET", "/readyz")["model_version"]
        return version

    def down(self) -> None:
        """Take everything down, volumes included."""
        self.compose("--profile", "proxy", "--profile", "train", "down", "--volumes", "--remove-orphans")

    def leftovers(self) -> str:
        """What the engine still has of this project."""
        ours = f"--filter=label=com.docker.compose.project={self.project}"
        kinds = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
        return " ".join(self.engine.docker(*kind, "--quiet", ours) for kind in kinds).strip()


def _health(inspected: dict[str, Any]) -> str:
    return str(inspected["State"].get("Health", {}).get("Status", ""))


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
