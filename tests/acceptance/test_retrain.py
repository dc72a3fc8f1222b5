"""The loop: outcomes are reported, a challenger is trained by the worker, the gate judges, the model is swapped."""

from __future__ import annotations

from typing import Any

import pytest

from kronos.training.rows import TrainingRows
from tests.support.processes import AdvisorProcess, StartProcess, query, wait_until
from tests.support.shared import AGED_THROUGH

TRAINING_SECONDS = 120
AT_ONE = 4


def reported(rows: TrainingRows, count: int = 50) -> list[dict[str, Any]]:
    """Honest reports of the sessions after the cut."""
    new = rows.take(rows.sessions > AGED_THROUGH)
    return [
        {
            "trade_id": f"t-{new.sessions[at]}",
            "trade_date": str(new.sessions[at]),
            "outcome": "MAX_PROFIT" if new.labels[at, AT_ONE] else "PUT_BREACHED",
            "net_pnl": 95.0 if new.labels[at, AT_ONE] else -905.0,
            "features": {"vix": float(new.vix[at]), "price": float(new.price[at])},
            "sd_multiplier": 1.0,
        }
        for at in range(count)
    ]


def retrain(service: AdvisorProcess, seen: list[dict[str, Any]] | None = None, **request: Any) -> dict[str, Any]:
    """Ask, and wait for the verdict; what is told meanwhile goes into `seen`."""
    asked = service.request("POST", "/retrain", request)
    assert asked.status == 202, asked.data
    run = asked.json()

    def ended() -> dict[str, Any] | None:
        now: dict[str, Any] = service.request("GET", f"/retrain/{run['run_id']}").json()
        if seen is not None and now["state"] == "running" and now not in seen:
            seen.append(now)
        return now if now["state"] not in {"queued", "running"} else None

    ended_run: dict[str, Any] = wait_until(ended, TRAINING_SECONDS)
    return ended_run


def test_an_honest_retrain_is_promoted_and_swapped_in(
    aged_service: AdvisorProcess, start_process: StartProcess, sample_rows: TrainingRows
) -> None:
    start_process("worker", aged_service.database_url)
    outcomes = reported(sample_rows)
    aged_service.request("POST", "/outcomes", {"outcomes": outcomes[:49]})
    missing = aged_service.request("POST", "/retrain")
    assert missing.status == 200
    assert missing.json() == {
        "state": "not_enough_outcomes",
        "new_outcomes": 49,
        "min_new_samples": 50,
        "missing": 1,
    }
    aged_service.request("POST", "/outcomes", outcomes[49])
    seen: list[dict[str, Any]] = []
    run = retrain(aged_service, seen)
    assert run["state"] == "promoted", run
    shares = [told["progress"] for told in seen]
    assert shares == sorted(shares)
    assert len(set(shares)) > 3
    assert len({told["phase"] for told in seen}) > 2
    assert (run["progress"], run["phase"]) == (1.0, None)
    assert run["model_version"] == "1.1.0"
    assert run["metrics"]["brier_skill"] > 0
    wait_until(lambda: aged_service.request("GET", "/readyz").json()["model_version"] == "1.1.0", 10)
    manifest = aged_service.request("GET", "/models/1.1.0").json()["manifest"]
    assert manifest["training"]["last"] == "2018-12-31"
    again = aged_service.request("POST", "/retrain").json()
    assert (again["state"], again["new_outcomes"]) == ("not_enough_outcomes", 0)


def flip(trade: dict[str, Any]) -> dict[str, Any]:
    return trade | {"outcome": "PUT_BREACHED" if trade["outcome"] == "MAX_PROFIT" else "MAX_PROFIT"}


def scale_vix(trade: dict[str, Any]) -> dict[str, Any]:
    return trade | {"features": trade["features"] | {"vix": trade["features"]["vix"] * 100}}


@pytest.mark.parametrize("corrupt", [flip, scale_vix])
def test_corrupted_outcomes_are_refused_with_the_reason(
    aged_service: AdvisorProcess, start_process: StartProcess, sample_rows: TrainingRows, corrupt: Any
) -> None:
    start_process("worker", aged_service.database_url)
    outcomes = [corrupt(trade) for trade in reported(sample_rows)]
    reply = aged_service.request("POST", "/outcomes", {"outcomes": outcomes}).json()
    assert {result["status"] for result in reply["results"]} == {"recorded"}
    run = retrain(aged_service)
    assert run["state"] == "refused"
    assert "contradict the market: of 50 checked" in run["reason"]
    assert run["figures"]["trades_checked"] == 50
    assert aged_service.request("GET", "/readyz").json()["model_version"] == "1.0.0"


def test_while_a_run_is_active_asking_again_gives_that_run(
    aged_service: AdvisorProcess, start_process: StartProcess
) -> None:
    first = aged_service.request("POST", "/retrain", {"min_new_samples": 0})
    again = aged_service.request("POST", "/retrain", {"min_new_samples": 0})
    assert (first.status, again.status) == (202, 202)
    assert first.json()["state"] == "queued"
    assert again.json()["run_id"] == first.json()["run_id"]
    start_process("worker", aged_service.database_url)
    run_id = first.json()["run_id"]
    wait_until(
        lambda: aged_service.request("GET", f"/retrain/{run_id}").json()["state"] == "promoted", TRAINING_SECONDS
    )
    assert [run["run_id"] for run in aged_service.request("GET", "/retrain").json()] == [run_id]


def test_a_run_whose_worker_was_killed_is_taken_up_and_published_once(
    aged_service: AdvisorProcess, start_process: StartProcess
) -> None:
    patience = {"ADVISOR_JOB_HEARTBEAT_TIMEOUT_SECONDS": "2", "ADVISOR_POLL_SECONDS": "0.5"}
    doomed = start_process("worker", aged_service.database_url, **patience)
    run_id = aged_service.request("POST", "/retrain", {"min_new_samples": 0}).json()["run_id"]

    def state() -> str:
        return str(aged_service.request("GET", f"/retrain/{run_id}").json()["state"])

    wait_until(lambda: state() == "running")
    doomed.kill()
    start_process("worker", aged_service.database_url, **patience)
    wait_until(lambda: state() == "promoted", TRAINING_SECONDS)
    versions = query(aged_service.database_url, "SELECT version FROM model_versions ORDER BY minor")
    assert [row["version"] for row in versions] == ["1.0.0", "1.1.0"]


def test_a_worker_told_to_stop_gives_its_job_back(aged_service: AdvisorProcess, start_process: StartProcess) -> None:
    leaving = start_process("worker", aged_service.database_url)
    run_id = aged_service.request("POST", "/retrain", {"min_new_samples": 0}).json()["run_id"]
    wait_until(lambda: aged_service.request("GET", f"/retrain/{run_id}").json()["state"] == "running")
    assert leaving.stop() == 0
    assert aged_service.request("GET", f"/retrain/{run_id}").json()["state"] == "queued"


def test_without_a_model_there_is_nothing_to_retrain(service: AdvisorProcess) -> None:
    response = service.request("POST", "/retrain", {"min_new_samples": 0})
    assert response.status == 409
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [{"min_new_samples": -1}, {"force": "yes"}, {"surprise": 1}])
def test_a_bad_request_is_422(live_service: AdvisorProcess, body: dict[str, Any]) -> None:
    assert live_service.request("POST", "/retrain", body).status == 422


def test_an_unknown_run_is_404(live_service: AdvisorProcess) -> None:
    assert live_service.request("GET", "/retrain/00000000-0000-0000-0000-000000000000").status == 404
