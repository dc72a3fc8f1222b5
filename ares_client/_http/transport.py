"""One HTTP request and its complete reply: no retries, no redirects, and a limit on size.

When the caller gives up, the connection is cut. A server that sends one byte per second therefore cannot occupy a
worker for longer than the caller waits.
"""

from __future__ import annotations

import ssl
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from ares_client._http.connection import CancellableConnection
from ares_client.contract.advice import CONTRACT_REVISION, CONTRACT_REVISION_HEADER
from ares_client.errors import BadReplyError, ServiceUnreachableError

if TYPE_CHECKING:
    from ares_client._http.deadline import Deadline
    from ares_client._process.timing import Timing
    from ares_client.settings import ClientSettings

MAX_REPLY_BYTES = 4_000_000
LONGEST_PAUSE_SECONDS = 0.2
CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. `path` is relative to the service's base URL and may include a query."""

    method: str
    path: str
    body: bytes | None = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. `retry_after` is the unparsed header."""

    status: int
    body: bytes
    retry_after: str | None = None


class Transport(Protocol):
    """The only way in which this client reaches the service."""

    def exchange(self, request: HttpRequest, deadline: Deadline) -> HttpResponse:
        """Send the request and read the complete reply.

        Raises
        ------
        ServiceUnreachableError
            No complete reply arrived.
        BadReplyError
            The reply is larger than `MAX_REPLY_BYTES`.
        """
        ...

    def close(self) -> None:
        """Close the connections that are kept open."""
        ...


def exchange_with_second_chance(
    transport: Transport, request: HttpRequest, deadline: Deadline, timing: Timing
) -> HttpResponse:
    """One exchange, and another after a short pause if the first failed with at least half of the time left.

    Raises
    ------
    ServiceUnreachableError
        No complete reply arrived.
    BadReplyError
        The reply is larger than `MAX_REPLY_BYTES`.
    """
    try:
        return transport.exchange(request, deadline)
    except ServiceUnreachableError:
        if deadline.remaining() < deadline.seconds / 2:
            raise
    deadline.pause(timing.random() * min(LONGEST_PAUSE_SECONDS, deadline.remaining()))
    return transport.exchange(request, deadline)


class HttpTransport:
    """A `Transport` over HTTP/1.1 that keeps idle connections for the next exchange."""

    def __init__(self, settings: ClientSettings) -> None:
        self._url = urlsplit(settings.url)
        self._ca_file = settings.ca_file
        self._tls: ssl.SSLContext | None = None
        self._idle: deque[CancellableConnection] = deque()
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "ares-client",
            CONTRACT_REVISION_HEADER: str(CONTRACT_REVISION),
        }
        if settings.api_key is not None:
            self._headers["Authorization"] = f"Bearer {settings.api_key}"

    def exchange(self, request: HttpRequest, deadline: Deadline) -> HttpResponse:
        """Send the request and read the complete reply; see `Transport`."""
        try:
            line = self._take_line()
            with ExitStack() as unless_kept:
                unless_kept.callback(line.close)
                with deadline.cutting(line.cut):
                    response = self._exchange_on(line, request, deadline)
                if line.is_reusable:
                    unless_kept.pop_all()
                    self._idle.append(line)
                return response
        except (HTTPError, OSError) as error:
            if not deadline.remaining():
                raise deadline.exceeded() from error
            raise ServiceUnreachableError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Close the connections that are kept open."""
        while self._idle:
            self._idle.pop().close()

    def _exchange_on(self, line: CancellableConnection, request: HttpRequest, deadline: Deadline) -> HttpResponse:
        headers = self._headers | ({"Content-Type": request.content_type} if request.body is not None else {})
        target = self._url.path.rstrip("/") + request.path
        # Half of the time for connecting, so that a second address of the host can be tried. The extra millisecond is
        # there because urllib3 rejects a time-out of 0.
        timeout = Timeout(connect=deadline.remaining() / 2 + 0.001, read=deadline.remaining() + 0.001)
        reply = line.send(request.method, target, request.body, headers, timeout)
        body = bytearray()
        while chunk := reply.read(CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_REPLY_BYTES:
                reply.close()
                raise BadReplyError(f"the reply is larger than {MAX_REPLY_BYTES} bytes")
        reply.release_conn()
        return HttpResponse(reply.status, bytes(body), reply.headers.get("Retry-After"))

    def _take_line(self) -> CancellableConnection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._open_line()

    def _open_line(self) -> CancellableConnection:
        is_tls = self._url.scheme == "https"
        if is_tls and self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca_file)
        return CancellableConnection(self._url.hostname or "", self._url.port or (443 if is_tls else 80), self._tls)
