"""Requests for a retraining: at most one run is active, and only if there are enough new outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from ares_client.contract import Metrics, RetrainNotNeeded, RetrainRequest, RetrainRun
from kronos.market.clock import Clock
from kronos.market.sessions import NEW_YORK
from service.errors import NotFoundError, NothingToRetrainError
from service.models.repository import ModelRepository
from service.outcomes.repository import OutcomeRepository
from service.retrain.queue import enqueue_retrain
from service.retrain.repository import RetrainRepository, RunInState

LISTED_RUNS = 50
LOST = "the worker ended without a verdict"


class RetrainService:
    """Starts runs and reports their state."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._today = clock().astimezone(NEW_YORK).date()
        self._runs = RetrainRepository(session)
        self._outcomes = OutcomeRepository(session)
        self._models = ModelRepository(session)

    async def request(self, request: RetrainRequest, *, requested_by: str | None) -> RetrainRun | RetrainNotNeeded:
        """Queue a run, or return the active one, or say how many outcomes are missing.

        Raises
        ------
        NothingToRetrainError
        """
        await self._runs.lock()
        active = await self._runs.active()
        if active is not None:
            return retrain_run(active)
        new = await self._outcomes.count_untrained(self._today)
        if new < request.min_new_samples:
            return RetrainNotNeeded(
                new_outcomes=new,
                min_new_samples=request.min_new_samples,
                missing=request.min_new_samples - new,
            )
        if await self._models.champion() is None:
            raise NothingToRetrainError("there is no model to continue from: train one with `kronos train --push`")
        row = await self._runs.insert(
            uuid4(),
            forced=request.force,
            min_new_samples=request.min_new_samples,
            new_outcomes=new,
            requested_by=requested_by,
        )
        row.job_id = await enqueue_retrain(self._session, row.run_id)
        return retrain_run(RunInState(row, "queued"))

    async def get(self, run_id: UUID) -> RetrainRun:
        """One run.

        Raises
        ------
        NotFoundError
        """
        found = await self._runs.get(run_id)
        if found is None:
            raise NotFoundError("there is no such run")
        return retrain_run(found)

    async def list(self) -> Sequence[RetrainRun]:
        """The latest runs, newest first."""
        return [retrain_run(found) for found in await self._runs.newest(LISTED_RUNS)]


def retrain_run(found: RunInState) -> RetrainRun:
    """A run in the form of the contract."""
    row = found.row
    lost = found.state == "failed" and row.verdict is None
    return RetrainRun.model_validate(
        {
            "run_id": row.run_id,
            "state": found.state,
            "requested_at": row.requested_at,
            "finished_at": row.finished_at,
            "requested_by": row.requested_by,
            "phase": row.phase if found.state == "running" else None,
            "progress": _progress(found),
            "forced": row.forced,
            "new_outcomes": row.new_outcomes,
            "model_version": row.model_version,
            "reason": LOST if lost else row.reason,
            "metrics": None if row.metrics is None else Metrics.model_validate(row.metrics),
            "figures": row.figures,
        }
    )


def _progress(found: RunInState) -> float | None:
    """The share of the work that is done; None while queued."""
    if found.state == "running":
        return found.row.progress or 0.0
    return 1.0 if found.row.verdict is not None else None
