"""HTTP endpoints for retraining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from ares_client.contract import RetrainNotNeeded, RetrainRequest, RetrainRun
from service.http.authorisation import require
from service.http.dependencies import Session, State
from service.http.problems import guarded
from service.keys.caller import Caller
from service.keys.scopes import Scope
from service.retrain.service import RetrainService

router = APIRouter(tags=["retrain"])


async def _retrain(state: State, session: Session) -> RetrainService:
    return RetrainService(session, state.clock)


RetrainServiceDependency = Annotated[RetrainService, Depends(_retrain, scope="function")]


@router.post(
    "/retrain",
    status_code=202,
    response_model=RetrainRun | RetrainNotNeeded,
    responses={
        200: {"model": RetrainNotNeeded, "description": "Too few new outcomes"},
        202: {"model": RetrainRun, "description": "Queued, or already active"},
        **guarded(400, 409, 413, 422),
    },
)
async def post_retrain(
    response: Response,
    retrain: RetrainServiceDependency,
    caller: Annotated[Caller, require(Scope.OPERATE)],
    request: RetrainRequest | None = None,
) -> RetrainRun | RetrainNotNeeded:
    """Request a retraining. While a run is active, the reply is that run."""
    answer = await retrain.request(request or RetrainRequest(), requested_by=caller.name)
    if isinstance(answer, RetrainNotNeeded):
        response.status_code = 200
    return answer


@router.get("/retrain", dependencies=[require(Scope.READ)], responses=guarded())
async def list_runs(retrain: RetrainServiceDependency) -> Sequence[RetrainRun]:
    """List the latest runs, newest first."""
    return await retrain.list()


@router.get("/retrain/{run_id}", dependencies=[require(Scope.READ)], responses=guarded(404, 422))
async def get_run(run_id: UUID, retrain: RetrainServiceDependency) -> RetrainRun:
    """Get the state of one run and, once it has ended, its result."""
    return await retrain.get(run_id)
