"""Problem details (RFC 9457): how every failure is reported, without any value that the caller sent."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from ares_client.contract import Problem
from service.errors import InvalidFieldError, ProblemError

if TYPE_CHECKING:
    pass

log = structlog.get_logger(__name__)
PROBLEM_JSON = "application/problem+json"
WITHOUT_ECHO = {"extra_forbidden": "unknown field", "uuid_parsing": "not a UUID", "json_invalid": "not JSON"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` for the errors that a route can return."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_JSON: {"schema": schema}}}
        for status in statuses
    }


def guarded(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`problems`, plus the errors of every route that requires a key."""
    return problems(401, 403, 429, 500, 503, *statuses)


def problem(
    request: Request,
    status: int,
    title: str,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A problem+json reply."""
    content = Problem(title=title, status=status, detail=detail, request_id=request.scope.get("request_id"), **more)
    return Response(
        content.model_dump_json(exclude_none=True),
        status,
        headers=dict(headers or {}),
        media_type=PROBLEM_JSON,
    )


def install_error_handlers(app: FastAPI) -> None:
    """Turn every failure into problem+json that does not echo the request."""

    @app.exception_handler(ProblemError)
    async def expected(request: Request, error: ProblemError) -> Response:
        return problem(request, error.status, error.title, str(error), error.headers)

    @app.exception_handler(InvalidFieldError)
    async def unfitting(request: Request, error: InvalidFieldError) -> Response:
        return problem(request, error.status, error.title, "see errors", errors=error.errors)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [{"where": _where(item), "what": _what(item)} for item in error.errors()[:20]]
        return problem(request, 422, "Invalid request", "see errors", errors=errors)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return problem(request, error.status_code, HTTPStatus(error.status_code).phrase, headers=error.headers)


def _where(item: Mapping[str, Any]) -> str:
    """The path to a field, without names that the caller made up."""
    parts = [str(part) for part in item["loc"]]
    known = parts[:-1] if item["type"] == "extra_forbidden" else parts
    if "features" in known:
        known = known[: known.index("features") + 1]
    return ".".join(known)


def _what(item: Mapping[str, Any]) -> str:
    """What is wrong, in words that repeat nothing from the request."""
    return WITHOUT_ECHO.get(item["type"], str(item["msg"]).removeprefix("Value error, "))
