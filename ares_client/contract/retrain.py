"""`POST /retrain`, `GET /retrain`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from ares_client.contract.models import Metrics
from ares_client.contract.values import Probability, Reply, Request, one_of


class RetrainRequest(Request):
    """A request for a challenger. `force` overrides the gate, and the run is recorded as forced."""

    min_new_samples: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    force: bool = False


class RetrainRun(Reply):
    """One retraining: its state, and how it ended."""

    run_id: UUID
    state: Annotated[str, one_of("queued", "running", "promoted", "refused", "failed")]
    requested_at: datetime
    requested_by: str | None = Field(default=None, description="name of the key, or `schedule`")
    phase: str | None = Field(default=None, description="what the run is doing now")
    progress: Probability | None = Field(default=None, description="share completed")
    finished_at: datetime | None = None
    forced: bool = False
    new_outcomes: int
    model_version: str | None = None
    reason: str | None = None
    metrics: Metrics | None = None
    figures: dict[str, Any] = Field(default_factory=dict, description="the gate's figures")


class RetrainNotNeeded(Reply):
    """Too few new outcomes to retrain: how many there are, and how many more are needed."""

    state: Literal["not_enough_outcomes"] = "not_enough_outcomes"
    new_outcomes: int
    min_new_samples: int
    missing: int
