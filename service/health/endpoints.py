"""HTTP endpoints for liveness, readiness and metrics. None of them queries the database.

The service is ready once a model is loaded and has passed its probes, until it starts to drain.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from service.http.authorisation import require
from service.http.dependencies import State
from service.http.problems import guarded, problem, problems
from service.keys.scopes import Scope

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process is alive."""

    status: str = "alive"


class Ready(BaseModel):
    """The service can give advice."""

    status: str = "ready"
    model_version: str
    market_days_through: str | None


@router.get("/livez")
async def livez() -> Alive:
    """Check that the process is alive."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses=problems(503))
async def readyz(request: Request, state: State) -> Ready | Response:
    """Check whether the service can give advice and, if not, why."""
    if (why := state.not_ready_because) is not None:
        return problem(request, 503, "Not ready", why)
    history = state.bars.history
    through = None if history is None else str(history.sessions[-1])
    return Ready(model_version=state.model.require().version, market_days_through=through)


@router.get(
    "/metrics",
    dependencies=[require(Scope.READ)],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **guarded()},
)
async def metrics(state: State) -> Response:
    """Get metrics in the Prometheus text format."""
    return Response(state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
