"""The job queue, which PgQueuer keeps in the same database."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

RETRAIN = "retrain"


async def enqueue_retrain(session: AsyncSession, run_id: UUID) -> int:
    """Queue a run within the session's open transaction; returns the job's id."""
    raw = await (await session.connection()).get_raw_connection()
    (job_id,) = await Queries(AsyncpgDriver(raw.driver_connection)).enqueue(RETRAIN, run_id.bytes)
    if job_id is None:
        raise RuntimeError("the queue returned no job")
    return job_id
