"""HTTP endpoint for live performance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from ares_client.contract import Day, Identifier, Performance
from service.http.authorisation import require
from service.http.dependencies import State
from service.http.problems import guarded
from service.keys.caller import Caller
from service.keys.scopes import Scope
from service.performance.service import PerformanceService

router = APIRouter(tags=["performance"])


async def _performance(state: State) -> PerformanceService:
    return state.performance


PerformanceServiceDependency = Annotated[PerformanceService, Depends(_performance)]


@router.get("/performance", responses=guarded(422))
async def get_performance(
    performance: PerformanceServiceDependency,
    caller: Annotated[Caller, require(Scope.READ)],
    bot: Annotated[Identifier | None, Query(description="default: every bot that the key may read")] = None,
    start: Annotated[Day | None, Query(description="first session; default: 365 days before `end`")] = None,
    end: Annotated[Day | None, Query(description="last session; default: today")] = None,
) -> Performance:
    """Get live calibration, P&L by advice and feature drift. Skipped sessions, which nobody traded, are modelled."""
    return await performance.measure(caller.narrow(bot), start, end)
