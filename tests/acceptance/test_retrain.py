"""Worker processes that are killed or told to stop in the middle of a training."""

from __future__ import annotations

from tests.support.in_process import InProcessService
from tests.support.processes import StartProcess, query, wait_until
from tests.support.retraining import ask_for_a_run, ended, run_now


def test_a_run_whose_worker_was_killed_is_taken_up_and_published_once(
    quick_service: InProcessService, start_process: StartProcess
) -> None:
    patience = {"ADVISOR_JOB_HEARTBEAT_TIMEOUT_SECONDS": "2", "ADVISOR_POLL_SECONDS": "0.5"}
    doomed = start_process("worker", quick_service.database_url, **patience)
    run_id = ask_for_a_run(quick_service, force=True)
    wait_until(lambda: run_now(quick_service, run_id)["state"] == "running")
    doomed.kill()
    start_process("worker", quick_service.database_url, **patience)
    assert ended(quick_service, run_id)["state"] == "promoted"
    versions = query(quick_service.database_url, "SELECT version FROM model_versions ORDER BY minor")
    assert [row["version"] for row in versions] == ["1.0.0", "1.1.0"]


def test_a_worker_told_to_stop_gives_its_job_back(quick_service: InProcessService, start_process: StartProcess) -> None:
    leaving = start_process("worker", quick_service.database_url)
    run_id = ask_for_a_run(quick_service, force=True)
    wait_until(lambda: run_now(quick_service, run_id)["state"] == "running")
    assert leaving.stop() == 0
    assert run_now(quick_service, run_id)["state"] == "queued"
