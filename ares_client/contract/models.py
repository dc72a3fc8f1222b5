"""`POST /models`, `GET /models`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from ares_client.contract.values import Probability, Reply, one_of


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
        default=None, description="95 % interval, from a block bootstrap"
    )
    brier_skill_t: float | None = Field(
        default=None, description="mean gain over climatology, divided by its standard error"
    )
    brier_skill_recent: float | None = Field(
        default=None, description="1 - Brier / Brier of the win rate of the last 252 sessions"
    )
    brier_skill_recent_interval: tuple[float, float] | None = Field(
        default=None, description="95 % interval, from a block bootstrap"
    )
    brier_skill_recent_t: float | None = Field(
        default=None, description="mean gain over the win rate of the last 252 sessions, divided by its standard error"
    )
    miscalibration: float | None = Field(
        default=None, description="what the best increasing recalibration would gain in Brier score"
    )
    discrimination: float | None = Field(
        default=None, description="what the recalibrated probability gains over the sample's win rate"
    )
    uncertainty: float | None = Field(default=None, description="Brier score of the sample's win rate")
    log_loss: float | None = Field(default=None, description="mean negative log-likelihood, in nats")
    auc: float | None = Field(default=None, description="area under the ROC curve")
    ece: float | None = Field(default=None, description="expected calibration error over ten equal-count bins")
    ece_band: float | None = Field(
        default=None, description="95 % bound of `ece` for a perfectly calibrated model with as many sessions"
    )


class ModelInfo(Reply):
    """One stored model version."""

    version: str
    state: Annotated[str, one_of("candidate", "champion", "retired", "refused")]
    sha256: str
    created_at: datetime
    activated_at: datetime | None = Field(default=None, description="when it last became champion")
    stored: bool = Field(default=True, description="whether its artefact is still stored, so that it can be activated")
    origin: Annotated[str, one_of("upload", "retrain")]
    silenced_variants: list[str] = Field(
        default=[], description="variants that have lost their skill since training and answer no more"
    )
    metrics: Metrics | None = None
    manifest: dict[str, Any] | None = Field(default=None, description="present only if a single version was requested")
