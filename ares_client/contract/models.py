"""`POST /models`, `GET /models`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from ares_client.contract.values import Probability, Reply


class Metrics(Reply):
    """Out-of-sample scores of a model at multiplier 1.0."""

    sessions: int
    base_rate: Probability
    accuracy: Probability = Field(description="share of sessions called right at probability 0.5")
    brier: float
    brier_skill: float = Field(description="1 - Brier / Brier of climatology")
    brier_skill_interval: tuple[float, float] = Field(description="95 %, bootstrap by session")
    log_loss: float
    auc: float
    ece: float = Field(description="expected calibration error over ten equal-count bins")
    ece_band: float = Field(description="95 % bound of `ece` for a perfectly calibrated model of this size")


class ModelInfo(Reply):
    """One stored model version."""

    version: str
    state: Literal["candidate", "champion", "retired", "refused"]
    sha256: str
    created_at: datetime
    activated_at: datetime | None = Field(default=None, description="when it last became the champion")
    stored: bool = Field(default=True, description="whether its artefact is kept, so that it can be activated")
    origin: Literal["upload", "retrain"]
    metrics: Metrics | None = None
    manifest: dict[str, Any] | None = Field(default=None, description="only when one version is asked for")
