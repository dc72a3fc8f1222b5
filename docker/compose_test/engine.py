"""The container engine: the one that the environment names, or one of the test's own that leaves no trace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from checks import CheckFailedError, say, wait_until

STOP_SECONDS = 60
BUILDKIT = {"DOCKER_BUILDKIT": "1", "COMPOSE_DOCKER_CLI_BUILD": "1"}
"""The default since engine 23; older ones have to be asked."""


@dataclass(frozen=True)
class Completed:
    """A command that ended: its exit code, and all that it printed."""

    code: int
    output: str


@dataclass(frozen=True)
class Engine:
    """Runs `docker` and compose, with bounded patience."""

    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        command: list[str],
        *,
        seconds: float = 300,
        folder: Path | None = None,
        given: bytes | None = None,
        into: BinaryIO | None = None,
    ) -> Completed:
        """Run any command against this engine; with `into`, what it prints goes to that file."""
        done = subprocess.run(
            command,
            env=os.environ | BUILDKIT | self.environment,
            cwd=folder,
            input=given if given is not None else b"",
            stdout=into or subprocess.PIPE,
            stderr=subprocess.PIPE if into else subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
        printed = done.stderr if into else done.stdout
        return Completed(done.returncode, printed.decode(errors="replace").strip())

    def docker(self, *arguments: str, seconds: float = 300, folder: Path | None = None) -> str:
        """What `docker` printed.

        Raises
        ------
        CheckFailedError
            Where it failed.
        """
        done = self.run([docker_command(), *arguments], seconds=seconds, folder=folder)
        if done.code:
            raise CheckFailedError(f"docker {' '.join(arguments[:3])}: {done.output[-1500:]}")
        return done.output

    def inspect(self, name: str) -> dict[str, object]:
        """What the engine knows of a container or an image."""
        found: list[dict[str, object]] = json.loads(self.docker("inspect", name))
        return found[0]

    def compose_command(self) -> list[str]:
        """`docker compose`, or the older `docker-compose` where that is what there is."""
        if self.run([docker_command(), "compose", "version"]).code == 0:
            return [docker_command(), "compose"]
        if shutil.which("docker-compose"):
            return ["docker-compose"]
        raise CheckFailedError("neither `docker compose` nor `docker-compose` is installed")


def docker_command() -> str:
    """The client: `docker`, unless DOCKER names another."""
    return os.environ.get("DOCKER", "docker")


@contextmanager
def own_engine(kept: Path | None) -> Iterator[Engine]:
    """A daemon with a data folder and a socket of its own; needs root. `kept` keeps its data for the next time.

    It leaves the machine's firewall and forwarding alone: published ports go through its userland proxy.
    """
    folder = Path(tempfile.mkdtemp(prefix="advisor-engine-"))
    socket = folder / "docker.sock"
    (folder / "daemon.json").write_text("{}")
    command = [
        "dockerd",
        f"--host=unix://{socket}",
        f"--config-file={folder / 'daemon.json'}",
        f"--data-root={kept or folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
    ]
    log = folder / "dockerd.log"
    with log.open("wb") as lines:
        daemon = subprocess.Popen(command, stdout=lines, stderr=lines, start_new_session=True)
    engine = Engine({"DOCKER_HOST": f"unix://{socket}"})
    try:
        try:
            wait_until("the engine answers", lambda: engine.run([docker_command(), "info"]).code == 0, 30)
        except CheckFailedError as error:
            raise CheckFailedError(f"dockerd: {error}\n{log.read_text()[-1500:]}") from error
        yield engine
    finally:
        daemon.terminate()
        try:
            daemon.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            say("the engine had to be killed")
        _unmount_below(folder)
        shutil.rmtree(folder)


def _unmount_below(folder: Path) -> None:
    """Namespaces that the engine held open by a mount."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in (one for one in mounted if one.startswith(f"{folder}/")):
        subprocess.run(["umount", point], check=False)  # noqa: S607
