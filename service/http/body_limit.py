"""The limit on request bodies, enforced before anything is parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request

from service.errors import BodyTooLargeError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
from service.http.problems import problem


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


class BodyLimit:
    """ASGI middleware that refuses a body over the limit before anything is parsed.

    Artefact uploads have their own limit, which their endpoint enforces.
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
    """A `receive` that returns the body once, then the messages of the connection."""
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
