"""One persistent HTTP connection that another thread can cut at any moment."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping


class _PlainConnection(HTTPConnection):
    """A connection that reports every socket it opens, before TLS takes the socket over."""

    def __init__(
        self,
        *,
        on_socket: Callable[[HTTPConnection, socket.socket], None],
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        self._on_socket = on_socket

    def _new_conn(self) -> socket.socket:
        opened = super()._new_conn()
        self._on_socket(self, opened)
        return opened


class _TlsConnection(_PlainConnection, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class CancellableConnection:
    """A connection to one host, for one thread at a time. Only `cut` may be called from another thread."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        keywords: dict[str, Any] = {"maxsize": 1, "retries": False, "on_socket": self._watch}
        self._pool = _TlsPool(host, port, ssl_context=tls, **keywords) if tls else _PlainPool(host, port, **keywords)
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None
        self._twin: socket.socket | None = None
        self._is_cut = False

    @property
    def is_reusable(self) -> bool:
        """Whether the connection is still open for another exchange."""
        return not self._is_cut and self._connection is not None and not self._connection.is_closed

    def send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], timeout: Timeout
    ) -> BaseHTTPResponse:
        """Send a request and read the reply's headers. The body is still to be read."""
        return self._pool.urlopen(
            method,
            target,
            body=body,
            headers=headers,
            timeout=timeout,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )

    def cut(self) -> None:
        """Wake a thread that is blocked on the connection. The connection cannot be used afterwards."""
        with self._lock:
            self._is_cut = True
            if self._twin:
                # Closing would not wake the other thread: see "Multithreaded processes and close()" in close(2).
                with suppress(OSError):
                    self._twin.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, if one is open."""
        self._pool.close()
        with self._lock:
            self._forget_twin()

    def _watch(self, connection: HTTPConnection, opened: socket.socket) -> None:
        with self._lock:
            self._connection = connection
            self._forget_twin()
            if self._is_cut:
                opened.close()
                raise ConnectionAbortedError("the caller has given up")
            # A duplicate, because `SSLContext.wrap_socket` detaches the original, and because urllib3 may drop its
            # connection object while the reply is still being read.
            self._twin = opened.dup()

    def _forget_twin(self) -> None:
        if self._twin:
            self._twin.close()
            self._twin = None
