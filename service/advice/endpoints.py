"""HTTP of the advice."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from ares_client.contract import AdviceReply, AdviceRequest
from service.auth import require
from service.dependencies import AdviceServiceDependency
from service.http import guarded
from service.keys.keyring import Caller
from service.keys.scopes import Scope

router = APIRouter(tags=["advice"])


@router.post("/advice", responses=guarded(400, 413, 422))
async def post_advice(
    request: AdviceRequest, advice: AdviceServiceDependency, caller: Annotated[Caller, require(Scope.ADVICE)]
) -> AdviceReply:
    """Ask what to do with today's trade. 503 while there is no model."""
    caller.require_bot(request.bot)
    return advice.advise(request)
