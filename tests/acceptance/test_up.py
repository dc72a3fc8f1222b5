"""`advisor up`, as `make run` starts it: from nothing to advice, stopped by Ctrl-C, and back with its data."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import urllib3

from service.db.embedded import EmbeddedPostgres
from tests.support.processes import free_port, traversable_temporary_folder, wait_until

READY = "is ready on"

StartUp = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    made = traversable_temporary_folder("ares-up-")
    yield made
    server = EmbeddedPostgres(made)
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def up(data_dir: Path, port: int) -> Iterator[StartUp]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")}
        environment |= {"ADVISOR_DATA_DIR": str(data_dir), "ADVISOR_PORT": str(port), **settings}
        with log(data_dir).open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "up", *arguments], env=environment, stdout=output, stderr=output
            )
        started.append(process)
        wait_until(lambda: process.poll() is not None or READY in log(data_dir).read_text(), 120)
        assert process.poll() is None, log(data_dir).read_text()
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def log(data_dir: Path) -> Path:
    return data_dir / "up.log"


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_from_nothing_to_advice_and_back_with_its_data(up: StartUp, data_dir: Path, port: int) -> None:
    first = up()
    said = log(data_dir).read_text()
    assert "no model yet: training on the bundled sample" in said
    (curl,) = re.findall(r"curl .*?'\{.*?\}'", said.replace("\\\n", " "), re.DOTALL)
    answer = subprocess.run(shlex.split(curl), capture_output=True, text=True, check=True).stdout
    assert '"win_probability":0.' in answer
    assert '"variant":"full"' in answer
    started = children(first)
    assert len(started) == 2
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 0
    assert not any(child.is_running() for child in started)
    assert not EmbeddedPostgres(data_dir).is_running()

    second = up()
    assert "training" not in log(data_dir).read_text().split(READY)[0].replace("training_", "")
    models = urllib3.request("GET", f"http://127.0.0.1:{port}/models").json()
    assert [(model["version"], model["state"]) for model in models] == [("1.0.0", "champion")]
    second.terminate()
    assert second.wait(30) == 0


def test_its_parts_do_not_outlive_a_killed_start(up: StartUp) -> None:
    process = up("--no-train")
    parts = children(process)
    process.kill()
    process.wait()
    wait_until(lambda: not any(part.is_running() and part.status() != psutil.STATUS_ZOMBIE for part in parts), 20)
    again = up("--no-train")
    assert again.poll() is None


def test_a_killed_database_is_started_again(up: StartUp, data_dir: Path, port: int) -> None:
    up("--no-train")
    server = EmbeddedPostgres(data_dir)
    os.kill(server.postmaster_pid(), signal.SIGKILL)
    models = f"http://127.0.0.1:{port}/models"
    wait_until(lambda: "starting it again" in log(data_dir).read_text(), 20)
    wait_until(lambda: urllib3.request("GET", models, retries=False).status == 200, 20)


def test_a_part_that_ends_stops_the_whole_with_a_failure(up: StartUp, data_dir: Path) -> None:
    process = up("--no-train")
    server = next(child for child in children(process) if "serve" in child.cmdline())
    server.kill()
    assert process.wait(30) == 1
    assert "serve ended with -9" in log(data_dir).read_text()


@pytest.mark.parametrize(("host", "name"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")])
def test_any_host_and_a_free_port_will_do(up: StartUp, data_dir: Path, host: str, name: str) -> None:
    up("--no-train", ADVISOR_HOST=host, ADVISOR_PORT="0", ADVISOR_API_KEY="a-key-that-is-long-enough")
    (url,) = re.findall(rf"{READY} (http\S+)", log(data_dir).read_text())
    assert url.startswith(f"http://{name}:")
    assert urllib3.request("GET", f"{url}/livez", retries=False).status == 200
