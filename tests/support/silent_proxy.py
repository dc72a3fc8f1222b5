"""A TCP door to a PostgreSQL on a Unix socket, through which open connections can fall silent without being closed.

So it is when a host loses its power or a firewall forgets: nobody says goodbye, and new connections work.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import make_url


class SilentProxy:
    """Forwards both ways; counts the connections on which somebody listens."""

    def __init__(self, url: str) -> None:
        parts = make_url(url)
        self._path = f"{parts.query['host']}/.s.PGSQL.{parts.query['port']}"
        self._database = parts.database
        self._silenced_before = 0
        self._accepted = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.listeners = 0

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self._door.getsockname()[1]}/{self._database}"

    def silence(self) -> None:
        """From now on nothing passes on the connections that are open."""
        self._silenced_before = self._accepted

    @contextmanager
    def running(self) -> Iterator[SilentProxy]:
        self._start(self._accept)
        try:
            yield self
        finally:
            for one in (self._door, *self._sockets):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in self._threads:
                thread.join()
            for one in (self._door, *self._sockets):
                one.close()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.socket(socket.AF_UNIX)
                self._sockets += [client, server]
                server.connect(self._path)
                number = self._accepted
                self._accepted += 1
                self._start(self._forward, number, client, server)
                self._start(self._forward, number, server, client)

    def _forward(self, number: int, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65_536):
                if number < self._silenced_before:
                    continue
                self.listeners += b"LISTEN " in content
                target.sendall(content)
        if number >= self._silenced_before:
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)
