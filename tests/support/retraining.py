"""What tests of the retraining share: a champion that is quick to continue from, and runs as the database has them."""

from __future__ import annotations

from typing import Any

import numpy as np

from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.training.export import train
from kronos.training.rows import build_rows
from tests.support.processes import AdvisorProcess, query, wait_until

FIRST, LAST = np.datetime64("2016-06-01"), np.datetime64("2018-06-29")
TRAINING_SECONDS = 180.0
ACTIVE = {"queued", "running"}


def quick_champion(sample: MarketHistory, spec: CondorSpec) -> bytes:
    """Trained on the fewest sessions that are enough, so that a retraining takes seconds."""
    return train(build_rows(sample, spec, start=FIRST, end=LAST)[0], spec, sample).artefact.to_bytes()


def ask_for_a_run(service: AdvisorProcess, **request: Any) -> str:
    """Ask for a run whatever was reported; returns its id."""
    reply = service.request("POST", "/retrain", {"min_new_samples": 0} | request)
    assert reply.status == 202, reply.data
    return str(reply.json()["run_id"])


def run_now(service: AdvisorProcess, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = service.request("GET", f"/retrain/{run_id}").json()
    return run


def ended(service: AdvisorProcess, run_id: str) -> dict[str, Any]:
    """The run, once it has ended."""

    def run() -> dict[str, Any] | None:
        now = run_now(service, run_id)
        return None if now["state"] in ACTIVE else now

    found: dict[str, Any] = wait_until(run, TRAINING_SECONDS)
    return found


def jobs(database_url: str) -> list[str]:
    """What the queue still holds, by status."""
    return [row["status"] for row in query(database_url, "SELECT status::text FROM pgqueuer ORDER BY id")]


def versions(database_url: str) -> list[tuple[str, str]]:
    """Every stored version and its state, oldest first."""
    rows = query(database_url, "SELECT version, state FROM model_versions ORDER BY major, minor")
    return [(row["version"], row["state"]) for row in rows]
