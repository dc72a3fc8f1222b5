"""The service and the worker in the test's own process: the real app on a real socket, without a process to start."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import structlog
import uvicorn

from kronos.market.clock import Clock
from service.app import create_app
from service.process.listen import listening_socket
from service.worker import Worker
from tests.support.processes import PATIENT_SECONDS, reserved_port, wait_until
from tests.support.running_service import RunningService
from tests.support.settings import settings_of

MOMENT = datetime(2026, 11, 4, 15, 30, tzinfo=UTC)
"""When the tests take place: an hour into a Wednesday's session."""

_began = time.monotonic()
_lines_here: ContextVar[list[str] | None] = ContextVar("lines_here", default=None)


def fixed_day_clock() -> datetime:
    """`MOMENT` when the run began, on whatever day that was; it ticks."""
    return MOMENT + timedelta(seconds=time.monotonic() - _began)


class _LoopThread:
    """An event loop in a thread of its own, whose log lines go into a list."""

    def __init__(self, name: str, work: Callable[[], Coroutine[Any, Any, None]], lines: list[str]) -> None:
        self._name = name
        self._work = work
        self._lines = lines
        self._failure: BaseException | None = None
        _keep_lines_apart()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def assert_running(self) -> None:
        if not self._thread.is_alive():
            raise AssertionError(f"{self._name} has ended: {self._lines[-3:]}") from self._failure

    def join(self) -> None:
        """Wait for its end, and raise what it failed with."""
        self._thread.join(PATIENT_SECONDS)
        assert not self._thread.is_alive(), f"{self._name} does not stop"
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        _lines_here.set(self._lines)
        try:
            asyncio.run(self._work())
        except BaseException as error:
            self._failure = error


class InProcessService(RunningService):
    """The app on a uvicorn server in a thread. Its settings are named as their fields are."""

    def __init__(
        self, database_url: str, data_dir: Path, settings: dict[str, Any] | None = None, clock: Clock = fixed_day_clock
    ) -> None:
        self.database_url = database_url
        self.data_dir = data_dir
        self.settings = dict(settings or {})
        self.clock = clock
        self.port = reserved_port()
        self._lines: list[str] = []
        self._thread: _LoopThread | None = None
        self._server: uvicorn.Server | None = None

    @property
    def api_key(self) -> str | None:
        return self.settings.get("api_key")

    @property
    def log(self) -> str:
        return "\n".join(self._lines)

    def start(self) -> Self:
        settings = settings_of(self.database_url, **{"data_dir": self.data_dir, **self.settings})
        config = uvicorn.Config(
            create_app(settings, self.clock),
            log_config=None,
            access_log=False,
            limit_concurrency=settings.limit_concurrency,
            timeout_graceful_shutdown=settings.shutdown_grace_seconds,
            timeout_keep_alive=settings.keep_alive_seconds,
            server_header=False,
        )
        server = uvicorn.Server(config)
        listening = listening_socket("127.0.0.1", self.port)
        thread = _LoopThread("service", lambda: server.serve(sockets=[listening]), self._lines)
        self._server, self._thread = server, thread

        def has_started() -> bool:
            thread.assert_running()
            return server.started

        wait_until(has_started)
        return self

    def stop(self) -> int:
        if self._server is None or self._thread is None:
            return 0
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None
        return 0


class InProcessWorker:
    """The worker in a thread; it trains in a child process as ever."""

    def __init__(
        self, database_url: str, data_dir: Path, settings: dict[str, Any] | None = None, clock: Clock = fixed_day_clock
    ) -> None:
        self._settings = settings_of(database_url, **{"data_dir": data_dir, **(settings or {})})
        self._clock = clock
        self._lines: list[str] = []
        self._thread: _LoopThread | None = None
        self._stop: Callable[[], object] = lambda: None

    @property
    def log(self) -> str:
        """Every line it has logged, as JSON."""
        return "\n".join(self._lines)

    def start(self) -> Self:
        thread = self._thread = _LoopThread("worker", self._work, self._lines)

        def is_ready() -> bool:
            thread.assert_running()
            return "worker_ready" in self.log

        wait_until(is_ready)
        return self

    def stop(self) -> None:
        """Tell it to stop, if it runs, and wait for its end."""
        if self._thread is not None:
            self._stop()
            self._thread.join()
            self._thread = None

    async def _work(self) -> None:
        worker = Worker(self._settings, self._clock)
        loop = asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(worker.stop)
        await worker.run()


StartService = Callable[..., InProcessService]
StartWorker = Callable[..., InProcessWorker]


def _keep_lines_apart() -> None:
    """Let structlog hand what such a thread logs to its own list, and nothing else."""
    processors = structlog.get_config()["processors"]
    if _to_the_threads_list not in processors:
        structlog.configure(processors=[_to_the_threads_list, *processors])


def _to_the_threads_list(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    lines = _lines_here.get()
    if lines is None:
        return event
    for process in (
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
    ):
        event = process(logger, method, event)
    lines.append(str(structlog.processors.JSONRenderer()(logger, method, event)))
    raise structlog.DropEvent
