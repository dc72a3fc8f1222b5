"""Download one file over HTTP, in full or not at all, within limits on time and size, with a few retries.

The work runs in a daemon thread. Neither name resolution nor a server that sends a byte now and then respects a
socket's time-out, and the caller must never wait longer than the total it set.
"""

from __future__ import annotations

import random
import time
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urljoin, urlsplit

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from kronos.market.sources.source import SourceError

CHUNK_BYTES = 65_536
MOST_REDIRECTS = 5
# Some sources refuse the default user agents of HTTP libraries.
HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; kronos-fetch)", "Accept": "text/csv, application/json, */*;q=0.5"}
REASONS = {
    NameResolutionError: "its name cannot be resolved",
    NewConnectionError: "it cannot be reached",
    ConnectTimeoutError: "it cannot be reached",
    ReadTimeoutError: "it stopped sending",
    SSLError: "its certificate is not accepted",
    ProtocolError: "the reply broke off",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the time and size of a download.

    Attributes
    ----------
    connect_seconds : to connect
    read_seconds : for each part of the reply
    total_seconds : for everything, including retries and the pauses between them
    max_bytes : of the reply once decompressed
    attempts : at least 1
    pause_seconds : approximate pause before the second attempt; it doubles before each later one
    """

    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 60.0
    max_bytes: int = 20_000_000
    attempts: int = 3
    pause_seconds: float = 1.0


DEFAULT_LIMITS = Limits()


class TemporaryFailureError(SourceError):
    """A failure that another attempt may overcome."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


def download(url: str, limits: Limits) -> bytes:
    """Download the file at an http or https address; redirects are followed, except from https to http.

    Raises
    ------
    SourceError
        If the file does not arrive within the limits. The message gives the reason but not the address.
    """
    deadline = time.monotonic() + limits.total_seconds
    answers: SimpleQueue[bytes | Exception] = SimpleQueue()

    def work() -> None:
        try:
            answers.put(_with_retries(url, limits, deadline))
        except Exception as error:
            answers.put(error)

    Thread(target=work, name="kronos-download", daemon=True).start()
    try:
        answer = answers.get(timeout=limits.total_seconds)
    except Empty:
        raise SourceError(f"no whole reply within {limits.total_seconds:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def without_secrets(url: str) -> str:
    """An address that is safe to show: without user, password or query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _with_retries(url: str, limits: Limits, deadline: float) -> bytes:
    pause = limits.pause_seconds
    for left in reversed(range(limits.attempts)):
        try:
            return _attempt(url, limits, deadline)
        except TemporaryFailureError as error:
            wait = pause * random.uniform(0.5, 1.5) if error.retry_after_seconds is None else error.retry_after_seconds  # noqa: S311
            if not left or time.monotonic() + wait >= deadline:
                raise
            time.sleep(wait)
            pause *= 2
    raise ValueError("attempts must be at least 1")


def _attempt(url: str, limits: Limits, deadline: float) -> bytes:
    timeout = Timeout(connect=limits.connect_seconds, read=limits.read_seconds)
    try:
        with PoolManager(headers=HEADERS, timeout=timeout, retries=False) as pool:
            for _ in range(MOST_REDIRECTS + 1):
                _require_web_address(url)
                with closing(pool.request("GET", url, redirect=False, preload_content=False)) as reply:
                    location = reply.get_redirect_location()
                    if not location:
                        return _body(reply, limits, deadline)
                    url = _redirected(url, location)
    except (HTTPError, OSError) as error:
        reason = next((text for kind, text in REASONS.items() if isinstance(error, kind)), type(error).__name__)
        raise TemporaryFailureError(reason) from error
    raise SourceError(f"more than {MOST_REDIRECTS} redirects")


def _body(reply: BaseHTTPResponse, limits: Limits, deadline: float) -> bytes:
    _require_success(reply)
    body = bytearray()
    while chunk := reply.read1(CHUNK_BYTES):
        body += chunk
        if len(body) > limits.max_bytes:
            raise SourceError(f"larger than {limits.max_bytes:,} bytes")
        if time.monotonic() > deadline:
            raise SourceError(f"no whole reply within {limits.total_seconds:g} s")
    return bytes(body)


def _require_success(reply: BaseHTTPResponse) -> None:
    if reply.status == HTTPStatus.OK:
        return
    reason = f"HTTP {reply.status}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        reason += ", too many requests"
    elif reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise SourceError(reason)
    after = reply.headers.get("Retry-After", "")
    raise TemporaryFailureError(reason, float(after) if after.isdecimal() else None)


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise SourceError("it redirects from https to an address without encryption")
    return target


def _require_web_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise SourceError("not an http or https address")
