"""The guide's retraining call: request, wait for the result, return the metrics of a promoted model."""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING

from ares_client._http.deadline import Deadline
from ares_client._http.operations import CALL_SECONDS, Operations
from ares_client.contract import Metrics, RetrainNotNeeded, RetrainRun
from ares_client.errors import ServiceError, ServiceFailedError, ServiceUnreachableError

if TYPE_CHECKING:
    from ares_client._process.timing import Timing

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
ACTIVE_STATES = {"queued", "running"}


class RetrainMetrics(Metrics):
    """Out-of-sample scores of a newly promoted model. They can be printed as they are: an unknown number is NaN."""

    model_version: str
    sessions: int = 0
    base_rate: float = math.nan
    accuracy: float = math.nan
    brier: float = math.nan
    brier_skill: float = math.nan
    brier_skill_interval: tuple[float, float] = (math.nan, math.nan)
    brier_skill_t: float = math.nan
    brier_skill_recent: float = math.nan
    brier_skill_recent_interval: tuple[float, float] = (math.nan, math.nan)
    brier_skill_recent_t: float = math.nan
    miscalibration: float = math.nan
    discrimination: float = math.nan
    uncertainty: float = math.nan
    log_loss: float = math.nan
    auc: float = math.nan
    ece: float = math.nan
    ece_band: float = math.nan


def retrain_and_wait(
    operations: Operations, timing: Timing, *, min_new_samples: int, force: bool, timeout_seconds: float
) -> RetrainMetrics | None:
    """The metrics if a new model was promoted. Otherwise None, and the log says why."""
    deadline = Deadline(timeout_seconds, timing)
    try:
        answer = operations.retrain(min_new_samples, force=force, timeout_seconds=min(CALL_SECONDS, timeout_seconds))
        if isinstance(answer, RetrainNotNeeded):
            logger.info("not retrained: %d more outcomes are needed", answer.missing)
            return None
        run = _wait_for_verdict(operations, timing, answer, deadline)
    except ServiceError as error:
        logger.warning("not retrained: %s", error)
        return None
    if run.state == "promoted" and run.metrics and run.model_version:
        return RetrainMetrics(**run.metrics.model_dump(exclude_none=True), model_version=run.model_version)
    if run.state in ACTIVE_STATES:
        logger.warning("retraining %s is still %s after %.0f s", run.run_id, run.state, timeout_seconds)
    else:
        logger.warning("retraining %s ended as %s: %s", run.run_id, run.state, run.reason)
    return None


def _wait_for_verdict(operations: Operations, timing: Timing, run: RetrainRun, deadline: Deadline) -> RetrainRun:
    while run.state in ACTIVE_STATES and deadline.remaining() > 0:
        timing.wait(threading.Event(), min(POLL_SECONDS, deadline.remaining()))
        patience = min(CALL_SECONDS, deadline.remaining())
        try:
            run = operations.retrain_run(run.run_id, timeout_seconds=patience)
        except (ServiceUnreachableError, ServiceFailedError) as error:
            logger.debug("could not read the state of retraining %s, trying again: %s", run.run_id, error)
    return run
