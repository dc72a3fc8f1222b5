"""Workers killed, frozen and told to stop at any moment: no run sticks, and each is published at most once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.doomed_worker import DEADLY, NEVER, PUBLISHED
from tests.support.in_process import InProcessService
from tests.support.paths import ROOT
from tests.support.postgres import MortalPostgres, mortal_postgres
from tests.support.processes import PATIENT_SECONDS, AdvisorProcess, environment_with, equip, query, wait_until
from tests.support.retraining import ask_for_a_run, ended, jobs, run_now, versions
from tests.support.running_service import RunningService

PATIENCE = {"ADVISOR_JOB_HEARTBEAT_TIMEOUT_SECONDS": "3", "ADVISOR_POLL_SECONDS": "0.3"}

StartWorker = Callable[..., AdvisorProcess]
StartDoomed = Callable[[str, Path], subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def postgres() -> Iterator[MortalPostgres]:
    with mortal_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def equipped(
    postgres: MortalPostgres,
    quick_artefact: bytes,
    sample_days: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningService]:
    service = InProcessService(postgres.url(), tmp_path_factory.mktemp("service")).start()
    equip(service, quick_artefact, sample_days)
    yield service
    service.stop()


@pytest.fixture
def service(equipped: RunningService, sample_days: list[dict[str, Any]]) -> RunningService:
    """With the first champion again, and a bar that makes the test's challenger unlike any that is stored."""
    assert equipped.request("POST", "/models/1.0.0/activate").status == 200
    recent = sample_days[-20]
    restated = recent | {"spx_close": recent["spx_close"] + 0.05 * len(versions(equipped.database_url))}
    assert equipped.request("PUT", "/market-days", {"days": [restated]}).status == 200
    return equipped


@pytest.fixture
def start_worker(service: RunningService, tmp_path: Path) -> Iterator[StartWorker]:
    """Starts workers; after the test none is left, frozen or not."""
    started: list[AdvisorProcess] = []

    def start(**settings: str) -> AdvisorProcess:
        worker = AdvisorProcess("worker", service.database_url, tmp_path, PATIENCE | settings)
        started.append(worker)
        return worker.start()

    yield start
    for worker in started:
        worker.signal(signal.SIGCONT)
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


def published(service: RunningService, run_id: str) -> int:
    """How many versions a run has made."""
    rows = query(service.database_url, "SELECT 1 FROM model_versions WHERE run_id = $1::text::uuid", run_id)
    return len(rows)


def assert_done_with(service: RunningService) -> None:
    """Nothing of a run is left in the queue, nor counted as running for ever."""
    wait_until(lambda: jobs(service.database_url) == [])


@pytest.fixture
def start_doomed(service: RunningService) -> Iterator[StartDoomed]:
    """Starts workers that die at a moment; after the test none is left."""
    started: list[subprocess.Popen[bytes]] = []

    def start(moment: str, challenger: Path) -> subprocess.Popen[bytes]:
        environment = environment_with(ADVISOR_DATABASE_URL=service.database_url, **PATIENCE)
        command = [sys.executable, "-m", "tests.support.doomed_worker", moment, str(challenger)]
        started.append(subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


def test_killed_at_each_moment_of_one_run_the_next_worker_takes_over_and_it_is_published_once(
    service: RunningService, start_doomed: StartDoomed, artefact: bytes, tmp_path: Path
) -> None:
    challenger = tmp_path / "challenger.ares"
    challenger.write_bytes(artefact)
    run_id = ask_for_a_run(service)
    assert run_now(service, run_id)["state"] == "queued"
    for moment in DEADLY:
        worker = start_doomed(moment, challenger)
        assert worker.wait(PATIENT_SECONDS) == -signal.SIGKILL
        assert run_now(service, run_id)["state"] == ("promoted" if moment == PUBLISHED else "running")
        assert published(service, run_id) == (1 if moment == PUBLISHED else 0)
        assert jobs(service.database_url) == ["picked"]
    survivor = start_doomed(NEVER, challenger)
    assert_done_with(service)
    survivor.terminate()
    assert survivor.wait(PATIENT_SECONDS) == 0
    run = run_now(service, run_id)
    assert run["state"] == "promoted"
    assert published(service, run_id) == 1
    assert (run["model_version"], "champion") in versions(service.database_url)


def test_a_killed_training_process_and_one_that_takes_too_long_end_the_run_as_failed(
    service: RunningService, start_worker: StartWorker
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
    assert "longer than 0.5 seconds" in run["reason"]
    assert training_of(hasty) is None
    assert_done_with(service)
    assert published(service, run_id) == 0


def test_killed_early_and_late_in_the_training_and_postgres_too_it_ends_and_is_published_once(
    service: RunningService, start_worker: StartWorker, postgres: MortalPostgres
) -> None:
    workers = [start_worker(), start_worker()]
    run_id = ask_for_a_run(service, force=True)
    victim, child = wait_until(lambda: training_of(*workers))
    victim.kill()
    wait_until(lambda: has_ended(child))
    told_before = run_now(service, run_id)["progress"]
    workers.append(start_worker())
    wait_until(lambda: run_now(service, run_id)["progress"] not in {None, told_before})
    another_victim, another_child = wait_until(lambda: training_of(*workers))
    another_victim.kill()
    wait_until(lambda: has_ended(another_child))
    workers.append(start_worker())
    wait_until(lambda: training_of(*workers))
    postgres.kill()
    time.sleep(1.0)  # an outage
    postgres.start()
    wait_until(lambda: service.request("GET", f"/retrain/{run_id}").status == 200)
    run = ended(service, run_id)
    assert run["state"] == "promoted", run
    assert_done_with(service)
    assert published(service, run_id) == 1
    assert run_now(service, run_id) == run


def test_told_to_stop_it_gives_back_and_frozen_it_comes_too_late_to_publish_again(
    service: RunningService, start_worker: StartWorker
) -> None:
    leaving = start_worker()
    run_id = ask_for_a_run(service, force=True)
    _, child = wait_until(lambda: training_of(leaving))
    assert run_now(service, run_id)["state"] == "running"
    assert leaving.stop() == 0
    assert has_ended(child)
    assert run_now(service, run_id)["state"] == "queued"
    freezing = start_worker()
    _, child = wait_until(lambda: training_of(freezing))
    freezing.signal(signal.SIGSTOP)
    start_worker()
    run = ended(service, run_id)
    assert run["state"] == "promoted", run
    freezing.signal(signal.SIGCONT)
    wait_until(lambda: has_ended(child))
    wait_until(lambda: "run_already_concluded" in freezing.log)
    assert_done_with(service)
    assert published(service, run_id) == 1
    assert run_now(service, run_id) == run
