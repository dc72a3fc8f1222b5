"""HTTP of the advice."""

from __future__ import annotations

from fastapi import APIRouter

from ares_client.contract import AdviceReply, AdviceRequest
from service.dependencies import AdviceServiceDependency
from service.http import problems

router = APIRouter(tags=["advice"])


@router.post("/advice", responses=problems(413, 422, 503))
async def post_advice(request: AdviceRequest, advice: AdviceServiceDependency) -> AdviceReply:
    """Ask what to do with today's trade. 503 while there is no model."""
    return advice.advise(request)
