"""Refuses requests that a browser sends on behalf of someone else's web page.

Bots and `curl` send neither `Origin` nor `Sec-Fetch-Site`. A browser does, and it would let any page reach a service
on this machine, which may run without keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import Request

from service.errors import ForbiddenError
from service.http.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FROM_ELSEWHERE = frozenset({"cross-site", "same-site"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class SameOrigin:
    """ASGI middleware that accepts methods with side effects only from pages of this origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and _is_from_elsewhere(Request(scope)):
            reply = problem(Request(scope), 403, ForbiddenError.title, "requested by a page of another origin")
            await reply(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_asked_by_its_own_name(request: Request) -> bool:
    """Whether the request's host names this machine. A page whose own name resolves to it does not."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname in LOOPBACK_NAMES
    except ValueError:
        return False


def _is_from_elsewhere(request: Request) -> bool:
    if request.headers.get("sec-fetch-site") in FROM_ELSEWHERE:
        return True
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")
