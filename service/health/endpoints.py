"""Alive (never asks the database) and ready (a model is loaded and has answered its probes, and not draining)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from service.dependencies import StateDependency
from service.http import problem, problems

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Ready(BaseModel):
    """The service can advise."""

    status: str = "ready"
    model_version: str
    market_days_through: str | None


@router.get("/livez")
async def livez() -> Alive:
    """Whether the process answers."""
    return Alive()


@router.get("/readyz", response_model=Ready, responses=problems(503))
async def readyz(request: Request, state: StateDependency) -> Ready | Response:
    """Whether advice can be given, and if not, why."""
    live, history = state.model_holder.live, state.market_holder.history
    if state.draining:
        return problem(request, 503, "Not ready", "shutting down")
    if live is None:
        return problem(request, 503, "Not ready", "no model is loaded: train one with `kronos train --push`")
    through = None if history is None else str(history.sessions[-1])
    return Ready(model_version=live.version, market_days_through=through)
