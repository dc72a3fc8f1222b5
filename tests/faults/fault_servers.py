"""Servers that misbehave on purpose, each on a port of its own, over real sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.client_support import PATIENT_SECONDS

Script = Callable[[socket.socket], None]

CERTIFICATES = Path(__file__).with_name("certificates")


@dataclass
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """Runs a script for every connection, each in a thread, until it is closed."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._ended: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def closed(self) -> int:
        """How many connections this side has closed."""
        return len(self._ended)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            self._script(connection)
        connection.close()
        self._ended.append(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(PATIENT_SECONDS)
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENT_SECONDS)
        for connection in self._open:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def receive(connection: socket.socket) -> Received:
    """Read one whole request."""
    reader = connection.makefile("rb")
    method, path, _ = reader.readline().decode().split()
    headers = {}
    while line := reader.readline().decode().strip():
        name, value = line.split(":", 1)
        headers[name.lower()] = value.strip()
    return Received(method, path, headers, reader.read(int(headers.get("content-length", 0))))


def reply(status: int, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answering(content: bytes) -> Script:
    """Answer the first request with these bytes, whatever they are, and close."""

    def script(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(content)

    return script


def silent(connection: socket.socket) -> None:
    """Take the request and say nothing."""
    while connection.recv(65_536):
        pass


def trickling(content: bytes, *, every_seconds: float = 1.0) -> Script:
    """Send the content byte by byte, with a pause after each."""

    def script(connection: socket.socket) -> None:
        receive(connection)
        for byte in content:
            connection.sendall(bytes([byte]))
            time.sleep(every_seconds)

    return script


def resetting_after(content: bytes) -> Script:
    """Send a part of a reply and reset the connection."""

    def script(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(content)
        reset(connection)

    return script


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def tls_context(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem", CERTIFICATES / "key.pem")
    return context


@contextlib.contextmanager
def black_hole_url() -> Iterator[str]:
    """A port whose backlog is full, so that connecting to it neither succeeds nor fails."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@dataclass
class OutcomeLedger:
    """A service that answers `POST /outcomes` by a rule, and remembers what it was sent."""

    rule: Callable[[Received], bytes]
    requests: list[Received] = field(default_factory=list)

    def __call__(self, connection: socket.socket) -> None:
        with contextlib.suppress(ValueError):
            while True:
                request = receive(connection)
                self.requests.append(request)
                connection.sendall(self.rule(request))

    @property
    def batches(self) -> list[list[str]]:
        """The trade ids of every batch, in the order of their arrival."""
        return [
            [outcome["trade_id"] for outcome in request.json()["outcomes"]]
            for request in self.requests
            if request.path == "/outcomes"
        ]

    @property
    def sent(self) -> list[str]:
        """The trade ids, in the order of their arrival."""
        return [trade_id for batch in self.batches for trade_id in batch]


def taking_all(request: Received, status_of: Callable[[dict[str, Any]], str] = lambda _: "recorded") -> bytes:
    """Answer a batch item by item."""
    results = [
        {
            "status": status_of(item),
            "bot": item["bot"],
            "trade_id": item["trade_id"],
            "detail": f"the answer to {item['trade_id']}",
        }
        for item in request.json()["outcomes"]
    ]
    return reply(200, json.dumps({"results": results}).encode())


def problem(status: int, detail: str = "as told", headers: dict[str, str] | None = None) -> bytes:
    body = json.dumps({"title": "Told to", "status": status, "detail": detail}).encode()
    return reply(status, body, headers)
