"""HTTP endpoints for the outcomes."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Depends, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from ares_client.contract import (
    MAX_OUTCOMES_PER_PAGE,
    Day,
    Identifier,
    Outcome,
    OutcomeBatch,
    OutcomeBatchReply,
    OutcomePage,
    OutcomeResult,
)
from service.http.authorisation import require
from service.http.dependencies import Session, State
from service.http.problems import guarded
from service.keys.caller import Caller
from service.keys.scopes import Scope
from service.outcomes.service import OutcomeService

Message = TypeVar("Message", bound=BaseModel)

router = APIRouter(tags=["outcomes"])


async def _outcomes(state: State, session: Session) -> OutcomeService:
    return OutcomeService(session, state.bars, state.model, state.clock)


OutcomeServiceDependency = Annotated[OutcomeService, Depends(_outcomes, scope="function")]

ONE_OR_MANY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/Outcome"},
                        {"$ref": "#/components/schemas/OutcomeBatch"},
                    ]
                }
            }
        },
    }
}


@router.post(
    "/outcomes",
    status_code=201,
    openapi_extra=ONE_OR_MANY,
    responses={
        200: {
            "model": OutcomeResult | OutcomeBatchReply,
            "description": "A duplicate, or a batch with one result per item",
        },
        **guarded(400, 409, 413, 422),
    },
)
async def post_outcomes(
    body: Annotated[dict[str, Any], Body()],
    response: Response,
    outcomes: OutcomeServiceDependency,
    state: State,
    caller: Annotated[Caller, require(Scope.OUTCOMES)],
) -> OutcomeResult | OutcomeBatchReply:
    """Report one closed trade, or a batch of up to 100. The reply comes once they are durably stored."""
    if "outcomes" in body:
        response.status_code = 200
        results = await outcomes.record_batch(_validated(OutcomeBatch, body).outcomes, caller)
    else:
        results = [await outcomes.record(_validated(Outcome, body), caller)]
        response.status_code = 201 if results[0].status == "recorded" else 200
    for result in results:
        state.metrics.outcomes.labels(result.status).inc()
    return OutcomeBatchReply(results=results) if "outcomes" in body else results[0]


@router.get("/outcomes", responses=guarded(422))
async def list_outcomes(
    outcomes: OutcomeServiceDependency,
    caller: Annotated[Caller, require(Scope.READ)],
    bot: Annotated[Identifier | None, Query(description="default: every bot that the key may read")] = None,
    start: Annotated[Day | None, Query(description="first trade date")] = None,
    end: Annotated[Day | None, Query(description="last trade date")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_OUTCOMES_PER_PAGE)] = 100,
    cursor: Annotated[str | None, Query(max_length=32, description="`next_cursor` of the previous page")] = None,
) -> OutcomePage:
    """List recorded outcomes in pages, newest first."""
    bot = caller.narrow(bot)
    return await outcomes.page(bot=bot, start=start, end=end, cursor=cursor, limit=limit)


def _validated(message: type[Message], body: dict[str, Any]) -> Message:
    try:
        return message.model_validate(body)
    except ValidationError as error:
        errors = error.errors(include_input=False, include_url=False, include_context=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in errors]) from None
