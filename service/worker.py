"""The worker: takes retraining jobs from the queue, trains in a niced child process, publishes the verdict."""

from __future__ import annotations

import asyncio
import signal
from datetime import date, timedelta
from uuid import UUID

import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from sqlalchemy.ext.asyncio import async_sessionmaker

from kronos.sessions import NEW_YORK
from service.clock import Clock, system_clock
from service.db.engine import Sessions, connect, create_engine, is_unavailable
from service.errors import DatabaseUnavailableError, TrainingFailedError
from service.retrain.publish import fail, publish
from service.retrain.queue import RETRAIN
from service.retrain.train import train_challenger
from service.settings import Settings

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 2.0
MAX_ATTEMPTS = 5


class Worker:
    """Serves the queue until it is told to stop; a job it leaves is taken up by the next worker."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self._settings = settings
        self._clock = clock
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`, reconnecting whenever Postgres was away."""
        engine = create_engine(self._settings, bounded=False)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        try:
            while not self._stopping.is_set():
                try:
                    await self._serve_queue(sessions)
                except Exception as error:
                    if not is_unavailable(error):
                        log.error("worker_failed", exc_info=error)
                    await self._pause()
        finally:
            await engine.dispose()

    def stop(self) -> None:
        """Give back the job in hand and end."""
        self._stopping.set()

    async def _serve_queue(self, sessions: Sessions) -> None:
        connection = await connect(self._settings)
        try:
            queue = PgQueuer(AsyncpgDriver(connection))

            @queue.entrypoint(RETRAIN, concurrency_limit=1)
            async def retrain(job: Job) -> None:
                await self._retrain(sessions, job)

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
                await publish(sessions, self._clock, run_id, verdict)
        except TrainingFailedError as error:
            await fail(sessions, self._clock, run_id, str(error))
        except DatabaseUnavailableError as error:
            if job.attempts >= MAX_ATTEMPTS:
                raise
            raise RetryRequested(delay=timedelta(seconds=RECONNECT_SECONDS), reason=str(error)) from error

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
