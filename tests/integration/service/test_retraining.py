"""The loop: outcomes are reported, a challenger is trained by the worker, the gate judges, the model is swapped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import service.retrain.training
from kronos.training.rows import TrainingRows
from tests.support.in_process import InProcessService, StartWorker
from tests.support.processes import wait_until
from tests.support.retraining import ended, reported
from tests.support.running_service import RunningService


def retrain(service: RunningService) -> dict[str, Any]:
    """Ask, and wait for the verdict."""
    asked = service.request("POST", "/retrain", {})
    assert asked.status == 202, asked.data
    return ended(service, asked.json()["run_id"])


def test_an_honest_retrain_is_promoted_and_swapped_in(
    aged_service: InProcessService,
    start_worker: StartWorker,
    sample_rows: TrainingRows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service.retrain.training, "PROGRESS_SECONDS", 0.0)
    start_worker(aged_service.database_url)
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
    asked = aged_service.request("POST", "/retrain", {})
    assert asked.status == 202, asked.data
    seen: list[dict[str, Any]] = []
    run = ended(aged_service, asked.json()["run_id"], seen)
    assert run["state"] == "promoted", run
    shares = [told["progress"] for told in seen]
    assert shares == sorted(shares)
    assert len(set(shares)) > 3
    assert len({told["phase"] for told in seen}) > 2
    assert (run["progress"], run["phase"]) == (1.0, None)
    assert run["model_version"] == "1.1.0"
    assert run["metrics"]["brier_skill"] > 0
    wait_until(lambda: aged_service.request("GET", "/readyz").json()["model_version"] == "1.1.0")
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
    aged_service: InProcessService,
    start_worker: StartWorker,
    sample_rows: TrainingRows,
    corrupt: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    start_worker(aged_service.database_url)
    outcomes = [corrupt(trade) for trade in reported(sample_rows)]
    reply = aged_service.request("POST", "/outcomes", {"outcomes": outcomes}).json()
    assert {result["status"] for result in reply["results"]} == {"recorded"}
    run = retrain(aged_service)
    assert run["state"] == "refused"
    assert "contradict the market: of 50 checked" in run["reason"]
    assert run["figures"]["trades_checked"] == 50
    assert aged_service.request("GET", "/readyz").json()["model_version"] == "1.0.0"


def test_while_a_run_is_active_asking_again_gives_that_run(
    quick_service: InProcessService, start_worker: StartWorker
) -> None:
    forced = {"min_new_samples": 0, "force": True}
    first = quick_service.request("POST", "/retrain", forced)
    again = quick_service.request("POST", "/retrain", forced)
    assert (first.status, again.status) == (202, 202)
    assert first.json()["state"] == "queued"
    run_id = first.json()["run_id"]
    assert again.json()["run_id"] == run_id
    start_worker(quick_service.database_url)
    assert ended(quick_service, run_id)["state"] == "promoted"
    assert [run["run_id"] for run in quick_service.request("GET", "/retrain").json()] == [run_id]


def test_without_a_model_there_is_nothing_to_retrain(service: RunningService) -> None:
    response = service.request("POST", "/retrain", {"min_new_samples": 0})
    assert response.status == 409
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [{"min_new_samples": -1}, {"force": "yes"}, {"surprise": 1}])
def test_a_bad_request_is_422(live_service: RunningService, body: dict[str, Any]) -> None:
    assert live_service.request("POST", "/retrain", body).status == 422


def test_an_unknown_run_is_404(live_service: RunningService) -> None:
    assert live_service.request("GET", "/retrain/00000000-0000-0000-0000-000000000000").status == 404
