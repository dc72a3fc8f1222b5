"""What tests of the retraining share: a champion that is quick to continue from, honest trades, and runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.training.export import train
from kronos.training.rows import TrainingRows, build_rows
from tests.support.lived import trade
from tests.support.processes import query, wait_until
from tests.support.running_service import RunningService
from tests.support.shared import AGED_THROUGH

FIRST, LAST = np.datetime64("2016-06-01"), np.datetime64("2018-06-29")
TRAINING_SECONDS = 240.0
ACTIVE = {"queued", "running"}


def quick_champion(sample: MarketHistory, spec: CondorSpec) -> bytes:
    """Trained on the fewest sessions that are enough, so that a retraining takes seconds."""
    return train(build_rows(sample, spec, start=FIRST, end=LAST)[0], spec, sample).artefact.to_bytes()


def reported(rows: TrainingRows, count: int = 50) -> list[dict[str, Any]]:
    """Honest reports of the first sessions that the aged model has not seen."""
    new = rows.take(rows.sessions > AGED_THROUGH)
    return [trade(new, at, features={"vix": float(new.vix[at]), "price": float(new.price[at])}) for at in range(count)]


def ask_for_a_run(service: RunningService, **request: Any) -> str:
    """Ask for a run whatever was reported; returns its id."""
    reply = service.request("POST", "/retrain", {"min_new_samples": 0} | request)
    assert reply.status == 202, reply.data
    return str(reply.json()["run_id"])


def run_now(service: RunningService, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = service.request("GET", f"/retrain/{run_id}").json()
    return run


def ended(service: RunningService, run_id: str, seen: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The run, once it has ended; what it says of its progress before that goes into `seen`."""

    def run() -> dict[str, Any] | None:
        now = run_now(service, run_id)
        if seen is not None and now["state"] == "running" and now not in seen:
            seen.append(now)
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
