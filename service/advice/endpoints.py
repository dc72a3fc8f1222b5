"""HTTP endpoint for advice."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from ares_client.contract import AdviceReply, AdviceRequest
from service.advice.service import AdviceService
from service.http.authorisation import require
from service.http.dependencies import State
from service.http.problems import guarded
from service.keys.caller import Caller
from service.keys.scopes import Scope

router = APIRouter(tags=["advice"])


async def _advice(state: State) -> AdviceService:
    return state.advice


AdviceServiceDependency = Annotated[AdviceService, Depends(_advice)]


@router.post("/advice", responses=guarded(400, 413, 422))
async def post_advice(
    request: AdviceRequest, advice: AdviceServiceDependency, caller: Annotated[Caller, require(Scope.ADVICE)]
) -> AdviceReply:
    """Get advice on today's trade. Answers 503 while no model is loaded."""
    caller.require_bot(request.bot)
    return advice.advise(request)
