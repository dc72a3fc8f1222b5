"""The worker: takes retrainings from the queue, runs each in a child process, publishes it, and runs the schedules."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job, Schedule
from sqlalchemy.ext.asyncio import async_sessionmaker

from kronos.market.clock import Clock, system_clock
from kronos.market.sessions import NEW_YORK
from service.db.engine import Sessions, close, connect, create_engine, is_unavailable, why
from service.errors import DatabaseUnavailableError, TrainingFailedError
from service.market_days.refresh import refresh_market_days
from service.retrain.publish import fail, publish
from service.retrain.queue import RETRAIN
from service.retrain.schedule import retrain_if_due
from service.retrain.training import train_challenger
from service.settings import Settings

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 2.0
MAX_ATTEMPTS = 5


class Worker:
    """Serves the queue until it is told to stop. The next worker takes up any job that it leaves."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self._settings = settings
        self._clock = clock
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`, and reconnect whenever Postgres was down."""
        engine = create_engine(self._settings, patient=True)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        try:
            while not self._stopping.is_set():
                try:
                    await self._serve_queue(sessions)
                except Exception as error:
                    if is_unavailable(error):
                        log.warning("database_unavailable", cause=why(error))
                    else:
                        log.error("worker_failed", exc_info=error)
                    await self._pause()
        finally:
            await close(engine)

    def stop(self) -> None:
        """Return the current job to the queue and end."""
        self._stopping.set()

    async def _serve_queue(self, sessions: Sessions) -> None:
        # After that time without a heartbeat, another worker takes the job.
        connection = await connect(self._settings, statement_seconds=self._settings.job_heartbeat_timeout_seconds)
        try:
            queue = PgQueuer(AsyncpgDriver(connection))

            @queue.entrypoint(RETRAIN, concurrency_limit=1)
            async def retrain(job: Job) -> None:
                await self._retrain(sessions, job)

            self._keep_schedules(queue, sessions)
            stopper = asyncio.create_task(self._stop_queue(queue))
            try:
                log.info("worker_ready")
                await queue.run(
                    batch_size=1,
                    dequeue_timeout=timedelta(seconds=self._settings.poll_seconds),
                    heartbeat_timeout=timedelta(seconds=self._settings.job_heartbeat_timeout_seconds),
                    shutdown_on_listener_failure=True,
                )
            finally:
                stopper.cancel()
        finally:
            connection.terminate()

    def _keep_schedules(self, queue: PgQueuer, sessions: Sessions) -> None:
        """Register the scheduled tasks. Each runs once, however many workers there are."""
        settings = self._settings
        if settings.retrain_cron is not None:

            @queue.schedule("retrain_on_schedule", settings.retrain_cron)
            async def retrain(_: Schedule) -> None:
                await self._on_schedule(retrain_if_due(sessions, self._clock, settings.retrain_min_new_outcomes))

        if settings.source_urls:

            @queue.schedule("refresh_market_days", settings.market_refresh_cron)
            async def refresh(_: Schedule) -> None:
                await self._on_schedule(refresh_market_days(settings, sessions, self._clock))

    async def _on_schedule(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a scheduled task. If it fails, it is tried again at its next time."""
        try:
            await work
        except DatabaseUnavailableError as error:
            log.warning("schedule_missed", error=str(error))
        except Exception as error:
            log.error("schedule_failed", exc_info=error)

    async def _stop_queue(self, queue: PgQueuer) -> None:
        await self._stopping.wait()
        queue.shutdown.set()

    async def _retrain(self, sessions: Sessions, job: Job) -> None:
        run_id = UUID(bytes=job.payload or b"")
        training = asyncio.create_task(train_challenger(self._settings, sessions, run_id, self._today()))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({training, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not training.done():
            training.cancel()
            await asyncio.wait({training})
            raise RetryRequested(delay=timedelta(0), reason="the worker is stopping")
        try:
            verdict = training.result()
            if verdict is not None:
                await publish(sessions, self._clock, run_id, verdict, models_kept=self._settings.models_kept)
        except TrainingFailedError as error:
            await fail(sessions, self._clock, run_id, str(error))
        except DatabaseUnavailableError as error:
            if job.attempts >= MAX_ATTEMPTS:
                raise
            raise RetryRequested(delay=timedelta(seconds=RECONNECT_SECONDS), reason=str(error)) from error
        except Exception as error:
            log.error("retraining_failed", run_id=str(run_id), exc_info=error)
            await fail(sessions, self._clock, run_id, f"{type(error).__name__} in the worker; see its log")

    def _today(self) -> date:
        return self._clock().astimezone(NEW_YORK).date()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), RECONNECT_SECONDS)
        except TimeoutError:
            return


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    worker = Worker(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()
