"""A graceful stop: first not ready but still serving, then no new connections, then the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import FrameType

import structlog
import uvicorn

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Drain:
    """Whether the service is about to stop. The server sets it; `/readyz` reports it."""

    started: bool = False


class DrainingServer(uvicorn.Server):
    """Gives the load balancer time to see that this replica is no longer ready."""

    def __init__(self, config: uvicorn.Config, drain: Drain, drain_seconds: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, *arguments: object, **options: object) -> None:
        """Remember the event loop, which does the work of the signal handler."""
        self._loop = asyncio.get_running_loop()
        await super().startup(*arguments, **options)  # type: ignore[arg-type]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal; stop immediately at the second."""
        if self._drain.started or self._loop is None or not self.started:
            super().handle_exit(sig, frame)
            return
        self._drain.started = True
        log.info("draining", seconds=self._drain_seconds)
        self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_seconds, super().handle_exit, sig, frame)
