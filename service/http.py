"""Problem details and the body limit: what every route shares."""

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
from service.errors import AdvisorError, BodyTooLargeError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"
WITHOUT_ECHO = {"extra_forbidden": "unknown field", "uuid_parsing": "not a UUID", "json_invalid": "not JSON"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` of the errors that a route answers with."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_JSON: {"schema": schema}}}
        for status in statuses
    }


def guarded(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`problems`, with what every route behind a key answers."""
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


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The raw body.

    Raises
    ------
    BodyTooLargeError
    """
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit_bytes:
            raise BodyTooLargeError(f"the body is over the limit of {limit_bytes} bytes")
    return bytes(content)


def install_error_handlers(app: FastAPI) -> None:
    """Turn every failure into problem+json that does not echo what was sent."""

    @app.exception_handler(AdvisorError)
    async def expected(request: Request, error: AdvisorError) -> Response:
        return problem(request, error.status, error.title, str(error), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [{"where": _where(item), "what": _what(item)} for item in error.errors()[:20]]
        return problem(request, 422, "Invalid request", "see errors", errors=errors)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return problem(request, error.status_code, HTTPStatus(error.status_code).phrase, headers=error.headers)


def _where(item: Mapping[str, Any]) -> str:
    """The path to a field, as far as its names are ours: one that the caller made up is not repeated."""
    parts = [str(part) for part in item["loc"]]
    known = parts[:-1] if item["type"] == "extra_forbidden" else parts
    if "features" in known:
        known = known[: known.index("features") + 1]
    return ".".join(known)


def _what(item: Mapping[str, Any]) -> str:
    """What is wrong, in words that hold nothing of what was sent."""
    return WITHOUT_ECHO.get(item["type"], str(item["msg"]))


class BodyLimit:
    """ASGI middleware: refuses a body that is over the limit, before anything is parsed.

    Uploads of artefacts have a limit of their own, which their endpoint keeps.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, exempt: frozenset[str]) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        body = await self._whole_body(dict(scope["headers"]), receive)
        if body is None:
            detail = f"the body is over the limit of {self._max_body_bytes} bytes"
            reply = problem(Request(scope), 413, BodyTooLargeError.title, detail, {"connection": "close"})
            await reply(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _whole_body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_body_bytes:
            return None
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            if len(body) > self._max_body_bytes:
                return None
            more = message.get("more_body", False)
        return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once, then what the connection says."""
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
