"""`advisor up`, as `make run` starts it: from nothing to advice, stopped by Ctrl-C, and back with its data.

Each test starts it on another host, with a port of its own choice or of the system's: any will do.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import urllib3

from service.db.embedded import EmbeddedPostgres
from tests.support.processes import (
    PATIENT_SECONDS,
    environment_with,
    reserved_port,
    traversable_temporary_folder,
    wait_until,
)

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
def up(data_dir: Path) -> Iterator[StartUp]:
    """Starts `advisor up`; after the test neither it nor a part of it is left."""
    started: list[subprocess.Popen[bytes]] = []
    parts: list[psutil.Process] = []

    def start(*arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "service.cli", "up", *arguments]
        environment = environment_with(ADVISOR_DATA_DIR=str(data_dir), **settings)
        with log(data_dir).open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        started.append(process)
        wait_until(lambda: process.poll() is not None or is_up(data_dir))
        parts.extend(children(process))
        assert process.poll() is None, log(data_dir).read_text()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            part.kill()


def log(data_dir: Path) -> Path:
    return data_dir / "up.log"


def is_up(data_dir: Path) -> bool:
    """Whether it says so, and its worker too, which nobody waits for."""
    said = log(data_dir).read_text()
    return READY in said and "worker_ready" in said


def url_of(data_dir: Path) -> str:
    (url,) = re.findall(rf"{READY} (http\S+)", log(data_dir).read_text())
    return str(url)


def answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=PATIENT_SECONDS).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_from_nothing_to_advice_and_back_with_its_data(up: StartUp, data_dir: Path) -> None:
    port = str(reserved_port())
    first = up(ADVISOR_PORT=port)
    assert url_of(data_dir) == f"http://127.0.0.1:{port}"
    said = log(data_dir).read_text()
    assert "no model yet: training on the bundled sample" in said
    (curl,) = re.findall(r"curl .*?'\{.*?\}'", said.replace("\\\n", " "), re.DOTALL)
    answer = subprocess.run(
        shlex.split(curl), env=environment_with(), capture_output=True, text=True, check=True
    ).stdout
    assert '"win_probability":0.' in answer
    assert '"variant":"full"' in answer
    started = children(first)
    assert len(started) == 2
    first.send_signal(signal.SIGINT)
    assert first.wait(PATIENT_SECONDS) == 0
    assert all(map(has_ended, started))
    assert not EmbeddedPostgres(data_dir).is_running()

    second = up(ADVISOR_PORT=port)
    assert "training" not in log(data_dir).read_text().split(READY)[0].replace("training_", "")
    models = urllib3.request("GET", f"{url_of(data_dir)}/models", timeout=PATIENT_SECONDS).json()
    assert [(model["version"], model["state"]) for model in models] == [("1.0.0", "champion")]
    second.terminate()
    assert second.wait(PATIENT_SECONDS) == 0


def test_its_parts_do_not_outlive_a_killed_start(up: StartUp, data_dir: Path) -> None:
    on_a_port_of_its_own = {"ADVISOR_HOST": "::1", "ADVISOR_PORT": "0"}
    process = up("--no-train", **on_a_port_of_its_own)
    assert url_of(data_dir).startswith("http://[::1]:")
    assert answers(f"{url_of(data_dir)}/livez")
    parts = children(process)
    process.kill()
    process.wait()
    wait_until(lambda: all(map(has_ended, parts)))
    again = up("--no-train", **on_a_port_of_its_own)
    assert again.poll() is None


def test_a_killed_database_is_started_again_and_a_part_that_ends_stops_the_whole_with_a_failure(
    up: StartUp, data_dir: Path
) -> None:
    settings = {"ADVISOR_HOST": "0.0.0.0", "ADVISOR_PORT": "0", "ADVISOR_API_KEY": "a-key-that-is-long-enough"}
    process = up("--no-train", **settings)
    assert url_of(data_dir).startswith("http://127.0.0.1:")
    assert answers(f"{url_of(data_dir)}/livez")
    os.kill(EmbeddedPostgres(data_dir).postmaster_pid(), signal.SIGKILL)
    wait_until(lambda: "starting it again" in log(data_dir).read_text())
    wait_until(lambda: lists_its_models(data_dir, settings["ADVISOR_API_KEY"]))

    server = next(child for child in children(process) if "serve" in child.cmdline())
    server.kill()
    assert process.wait(PATIENT_SECONDS) == 1
    assert "serve ended with -9" in log(data_dir).read_text()


def lists_its_models(data_dir: Path, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    url = f"{url_of(data_dir)}/models"
    return urllib3.request("GET", url, headers=headers, retries=False, timeout=PATIENT_SECONDS).status == 200
