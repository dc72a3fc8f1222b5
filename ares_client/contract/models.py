"""`POST /models`, `GET /models`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from ares_client.contract.values import Probability, Reply


class Metrics(Reply):
    """Out-of-sample scores of a model at multiplier 1.0. A score that a stored model lacks is null."""

    sessions: int | None = None
    base_rate: Probability | None = None
    accuracy: Probability | None = Field(
        default=None, description="share of sessions predicted correctly at a threshold of 0.5"
    )
    brier: float | None = Field(default=None, description="mean squared error of the probability")
    brier_skill: float | None = Field(default=None, description="1 - Brier / Brier of climatology")
    brier_skill_interval: tuple[float, float] | None = Field(
        default=None, description="95 % interval, bootstrapped by session"
    )
    brier_skill_t: float | None = Field(
        default=None, description="mean gain over climatology, divided by its standard error"
    )
    log_loss: float | None = Field(default=None, description="mean negative log-likelihood, in nats")
    auc: float | None = Field(default=None, description="area under the ROC curve")
    ece: float | None = Field(default=None, description="expected calibration error over ten equal-count bins")
    ece_band: float | None = Field(
        default=None, description="95 % bound of `ece` for a perfectly calibrated model with as many sessions"
    )


class ModelInfo(Reply):
    """One stored model version."""

    version: str
    state: Literal["candidate", "champion", "retired", "refused"]
    sha256: str
    created_at: datetime
    activated_at: datetime | None = Field(default=None, description="when it last became champion")
    stored: bool = Field(default=True, description="whether its artefact is still stored, so that it can be activated")
    origin: Literal["upload", "retrain"]
    metrics: Metrics | None = None
    manifest: dict[str, Any] | None = Field(default=None, description="present only if a single version was requested")
