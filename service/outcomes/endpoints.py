"""HTTP of the outcomes."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from ares_client.contract import Outcome, OutcomeBatch, OutcomeBatchReply, OutcomeResult
from service.dependencies import OutcomeServiceDependency
from service.http import problems

Model = TypeVar("Model", bound=BaseModel)

router = APIRouter(tags=["outcomes"])

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
            "description": "A duplicate, or a batch: a result an item",
        },
        **problems(409, 413, 422, 503),
    },
)
async def post_outcomes(
    body: Annotated[dict[str, Any], Body()], response: Response, outcomes: OutcomeServiceDependency
) -> OutcomeResult | OutcomeBatchReply:
    """Report one closed trade, or a batch of up to 100. The reply is sent once they are durable."""
    if "outcomes" in body:
        response.status_code = 200
        batch = _validated(OutcomeBatch, body)
        return OutcomeBatchReply(results=await outcomes.record_batch(batch.outcomes))
    result = await outcomes.record(_validated(Outcome, body))
    response.status_code = 201 if result.status == "recorded" else 200
    return result


def _validated(model: type[Model], body: dict[str, Any]) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        errors = error.errors(include_input=False, include_url=False, include_context=False)
        raise RequestValidationError([{**item, "loc": ("body", *item["loc"])} for item in errors]) from None
