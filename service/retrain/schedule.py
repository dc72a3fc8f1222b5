"""Scheduled retraining: only with enough new outcomes, and never while a run is active."""

from __future__ import annotations

import structlog

from ares_client.contract import RetrainNotNeeded, RetrainRequest
from kronos.market.clock import Clock
from service.db.engine import Sessions, transaction
from service.errors import NothingToRetrainError
from service.retrain.service import RetrainService

log = structlog.get_logger(__name__)

REQUESTED_BY = "schedule"


async def retrain_if_due(sessions: Sessions, clock: Clock, min_new_outcomes: int) -> None:
    """Request a run as an operator would. If none is queued, the reason is logged.

    Raises
    ------
    DatabaseUnavailableError
    """
    request = RetrainRequest(min_new_samples=min_new_outcomes)
    try:
        async with transaction(sessions) as session:
            answer = await RetrainService(session, clock).request(request, requested_by=REQUESTED_BY)
    except NothingToRetrainError as error:
        log.warning("scheduled_retrain_impossible", error=str(error))
        return
    if isinstance(answer, RetrainNotNeeded):
        log.info("scheduled_retrain_not_needed", new_outcomes=answer.new_outcomes, missing=answer.missing)
    else:
        log.info("scheduled_retrain_asked_for", run_id=str(answer.run_id), requested_by=answer.requested_by)
