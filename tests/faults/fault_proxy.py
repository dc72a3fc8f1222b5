"""A TCP proxy in front of a real service, that can lose replies."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.faults.fault_servers import Server, reset


class Proxy(Server):
    """Passes everything on; while `replies_to_lose` is above 0, the service's next reply never arrives."""

    def __init__(self, upstream_url: str) -> None:
        parts = urlsplit(upstream_url)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self.replies_to_lose = 0
        self.replies_lost = 0
        super().__init__(self._pass_on)

    def _pass_on(self, connection: socket.socket) -> None:
        with socket.create_connection(self._upstream, timeout=30) as upstream:
            while request := self._read_message(connection):
                upstream.sendall(request)
                answer = self._read_message(upstream)
                if self.replies_to_lose:
                    self.replies_to_lose -= 1
                    self.replies_lost += 1
                    reset(connection)
                    return
                connection.sendall(answer)

    @staticmethod
    def _read_message(source: socket.socket) -> bytes:
        """One whole request or reply, as its Content-Length says."""
        message = b""
        while b"\r\n\r\n" not in message:
            part = source.recv(65_536)
            if not part:
                return b""
            message += part
        head, _, body = message.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            body += source.recv(65_536)
        return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    with Proxy(url) as proxy:
        yield proxy
