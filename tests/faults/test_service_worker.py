"""Workers killed, frozen and told to stop at any moment: no run sticks, and each is published at most once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from tests.support.doomed_worker import DEADLY, NEVER, PUBLISHED
from tests.support.postgres import MortalPostgres, mortal_postgres
from tests.support.processes import AdvisorProcess, equip, query, wait_until
from tests.support.retraining import ask_for_a_run, ended, jobs, quick_champion, run_now, versions

PATIENCE = {"ADVISOR_JOB_HEARTBEAT_TIMEOUT_SECONDS": "2", "ADVISOR_POLL_SECONDS": "0.3"}
RANDOM_KILLS = 2
# Sooner than a training ends on any machine.
LATEST_KILL_SECONDS = 2.5

StartWorker = Callable[..., AdvisorProcess]


@pytest.fixture(scope="module")
def postgres() -> Iterator[MortalPostgres]:
    with mortal_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def champion(sample: MarketHistory, spec: CondorSpec) -> bytes:
    return quick_champion(sample, spec)


@pytest.fixture(scope="module")
def equipped(
    postgres: MortalPostgres,
    champion: bytes,
    sample_days: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[AdvisorProcess]:
    service = AdvisorProcess("serve", postgres.url(), tmp_path_factory.mktemp("service")).start()
    equip(service, champion, sample_days)
    yield service
    service.stop()


@pytest.fixture
def service(equipped: AdvisorProcess, sample_days: list[dict[str, Any]]) -> AdvisorProcess:
    """With the first champion again, and a bar that makes the test's challenger unlike any that is stored."""
    assert equipped.request("POST", "/models/1.0.0/activate").status == 200
    recent = sample_days[-20]
    restated = recent | {"spx_close": recent["spx_close"] + 0.05 * len(versions(equipped.database_url))}
    assert equipped.request("PUT", "/market-days", {"days": [restated]}).status == 200
    return equipped


@pytest.fixture
def start_worker(service: AdvisorProcess, tmp_path: Path) -> Iterator[StartWorker]:
    """Starts workers; after the test none is left, frozen or not."""
    started: list[AdvisorProcess] = []

    def start(**settings: str) -> AdvisorProcess:
        worker = AdvisorProcess("worker", service.database_url, tmp_path, PATIENCE | settings)
        started.append(worker)
        return worker.start()

    yield start
    for worker in started:
        assert worker.process is not None
        if worker.process.poll() is None:
            worker.process.send_signal(signal.SIGCONT)
            worker.stop()


def training_of(*workers: AdvisorProcess) -> tuple[AdvisorProcess, psutil.Process] | None:
    """The worker that is training, and its child."""
    for worker in workers:
        assert worker.process is not None
        if worker.process.poll() is None:
            for child in psutil.Process(worker.process.pid).children():
                if "kronos.retraining.job" in child.cmdline():
                    return worker, child
    return None


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def published(service: AdvisorProcess, run_id: str) -> int:
    """How many versions a run has made."""
    rows = query(service.database_url, "SELECT 1 FROM model_versions WHERE run_id = $1::text::uuid", run_id)
    return len(rows)


def assert_done_with(service: AdvisorProcess) -> None:
    """Nothing of a run is left in the queue, nor counted as running for ever."""
    wait_until(lambda: jobs(service.database_url) == [])


def doomed(service: AdvisorProcess, moment: str, challenger: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")}
    own = {"ADVISOR_DATABASE_URL": service.database_url, **PATIENCE}
    command = [sys.executable, "-m", "tests.support.doomed_worker", moment, str(challenger)]
    return subprocess.Popen(command, env=environment | own, stderr=subprocess.DEVNULL)


def test_killed_at_each_moment_of_one_run_the_next_worker_takes_over_and_it_is_published_once(
    service: AdvisorProcess, artefact: bytes, tmp_path: Path
) -> None:
    challenger = tmp_path / "challenger.ares"
    challenger.write_bytes(artefact)
    run_id = ask_for_a_run(service)
    assert run_now(service, run_id)["state"] == "queued"
    for moment in DEADLY:
        worker = doomed(service, moment, challenger)
        assert worker.wait(120) == -signal.SIGKILL
        assert run_now(service, run_id)["state"] == ("promoted" if moment == PUBLISHED else "running")
        assert published(service, run_id) == (1 if moment == PUBLISHED else 0)
        assert jobs(service.database_url) == ["picked"]
    survivor = doomed(service, NEVER, challenger)
    try:
        assert_done_with(service)
    finally:
        survivor.terminate()
        assert survivor.wait(60) == 0
    assert run_now(service, run_id)["state"] == "promoted"
    assert published(service, run_id) == 1
    assert [version for version, state in versions(service.database_url) if state == "champion"] == ["1.1.0"]


def test_a_killed_training_process_and_one_that_takes_too_long_end_the_run_as_failed(
    service: AdvisorProcess, start_worker: StartWorker
) -> None:
    worker = start_worker()
    run_id = ask_for_a_run(service)
    _, child = wait_until(lambda: training_of(worker))
    child.kill()
    run = ended(service, run_id)
    assert run["state"] == "failed"
    assert "the training process ended with -9" in run["reason"]
    assert_done_with(service)
    worker.stop()
    hasty = start_worker(ADVISOR_TRAINING_TIMEOUT_SECONDS="0.5")
    run_id = ask_for_a_run(service)
    run = ended(service, run_id)
    assert run["state"] == "failed"
    assert "longer than" in run["reason"]
    assert training_of(hasty) is None
    assert_done_with(service)
    assert published(service, run_id) == 0


def test_killed_at_random_moments_of_the_training_and_postgres_too_it_ends_and_is_published_once(
    service: AdvisorProcess, start_worker: StartWorker, postgres: MortalPostgres
) -> None:
    moments = [random.uniform(0.0, LATEST_KILL_SECONDS) for _ in range(RANDOM_KILLS)]
    workers = [start_worker(), start_worker()]
    run_id = ask_for_a_run(service, force=True)
    for moment in moments:
        victim, child = wait_until(lambda: training_of(*workers))
        time.sleep(moment)
        victim.kill()
        wait_until(lambda: has_ended(child))  # noqa: B023
        workers.append(start_worker())
    wait_until(lambda: training_of(*workers))
    postgres.kill()
    time.sleep(1.0)
    postgres.start()
    wait_until(lambda: service.request("GET", f"/retrain/{run_id}").status == 200)
    run = ended(service, run_id)
    assert run["state"] == "promoted", (moments, run)
    assert_done_with(service)
    assert published(service, run_id) == 1, moments
    assert run_now(service, run_id) == run


def test_told_to_stop_it_gives_back_and_frozen_it_comes_too_late_to_publish_again(
    service: AdvisorProcess, start_worker: StartWorker
) -> None:
    leaving = start_worker()
    run_id = ask_for_a_run(service, force=True)
    _, child = wait_until(lambda: training_of(leaving))
    freezing = start_worker()
    assert leaving.stop() == 0
    assert has_ended(child)
    _, child = wait_until(lambda: training_of(freezing))
    assert freezing.process is not None
    freezing.process.send_signal(signal.SIGSTOP)
    start_worker()
    run = ended(service, run_id)
    assert run["state"] == "promoted", run
    freezing.process.send_signal(signal.SIGCONT)
    wait_until(lambda: has_ended(child))
    wait_until(lambda: "run_already_concluded" in freezing.log)
    assert_done_with(service)
    assert published(service, run_id) == 1
    assert run_now(service, run_id) == run
