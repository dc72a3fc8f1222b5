"""HTTP endpoint for advice."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Header

from ares_client.contract import CONTRACT_REVISION, CONTRACT_REVISION_HEADER, AdviceReply, AdviceRequest
from service.advice.service import AdviceService
from service.http.authorisation import require
from service.http.dependencies import State
from service.http.problems import guarded
from service.keys.caller import Caller
from service.keys.scopes import Scope

router = APIRouter(tags=["advice"])

DIGITS = re.compile(r"[0-9]{1,4}")
FIRST_VARIANTS = ("full", "market", "minimal")
"""The variants that clients of contract revision 1 know, richest first."""


async def _advice(state: State) -> AdviceService:
    return state.advice


AdviceServiceDependency = Annotated[AdviceService, Depends(_advice)]


@router.post("/advice", responses=guarded(400, 413, 422))
async def post_advice(
    request: AdviceRequest,
    advice: AdviceServiceDependency,
    caller: Annotated[Caller, require(Scope.ADVICE)],
    revision: Annotated[str | None, Header(alias=CONTRACT_REVISION_HEADER)] = None,
) -> AdviceReply:
    """Get advice on today's trade. Answers 503 while no model is loaded."""
    caller.require_bot(request.bot)
    return as_known_to(revision, advice.advise(request))


def as_known_to(revision: str | None, reply: AdviceReply) -> AdviceReply:
    """The reply with no value of an enumeration that a client of this contract revision would refuse.

    What cannot be read as a revision is taken for the first one, so that a header never costs an answer.
    """
    announced = int(revision) if revision is not None and DIGITS.fullmatch(revision) else 1
    if announced >= CONTRACT_REVISION or reply.variant in FIRST_VARIANTS:
        return reply
    return reply.model_copy(update={"variant": FIRST_VARIANTS[0]})
