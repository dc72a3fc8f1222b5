"""Gives each request an id, a log line and a measurement."""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING

import structlog
from fastapi import Request

from service.http.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.metrics import ServiceMetrics

log = structlog.get_logger(__name__)

REQUEST_ID = b"x-request-id"
ACCEPTABLE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNKNOWN_ROUTE = "(none)"
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SEEN_OFTEN = frozenset({"/livez", "/readyz", "/metrics"})
NO_REPLY = 499


class RequestLog:
    """ASGI middleware that logs and counts by route, never by path, because the caller chooses the path."""

    def __init__(self, app: ASGIApp, *, metrics: ServiceMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = NO_REPLY
        request_id = scope["request_id"] = _request_id(scope)

        async def noting_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (REQUEST_ID, request_id.encode())]
            await send(message)

        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, noting_send)
            except Exception as error:
                log.error("unexpected_error", route=_route(scope), exc_info=error)
                if status != NO_REPLY:
                    raise
                await problem(Request(scope), 500, "Internal error")(scope, receive, noting_send)
            finally:
                self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        method = scope["method"] if scope["method"] in KNOWN_METHODS else "OTHER"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.request_seconds.labels(method, route).observe(seconds)
        write = log.debug if route in SEEN_OFTEN else log.info
        write("request", method=method, route=route, status=status, milliseconds=round(1_000 * seconds, 1))


def _route(scope: Scope) -> str:
    route: str = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
    return route


def _request_id(scope: Scope) -> str:
    """The caller's id, so that a request can be traced through both logs, or a new one."""
    given: str = dict(scope["headers"]).get(REQUEST_ID, b"").decode("latin-1")
    return given if ACCEPTABLE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
