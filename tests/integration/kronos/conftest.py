"""A local server that replays the public sources, and an address where nobody listens."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.fetch_server import FetchServer


@pytest.fixture
def server() -> Iterator[FetchServer]:
    with FetchServer().running() as running:
        yield running


@pytest.fixture
def nobody() -> Iterator[str]:
    """The port is taken and not listened on, so that every connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
