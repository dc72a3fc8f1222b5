"""SQL for the retraining runs. Their live state is in the queue, so it is read from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, case, cast, column, literal, select, table, update
from sqlalchemy.ext.asyncio import AsyncSession

from service.db.locks import Lock, hold
from service.db.tables import RetrainRunRow

JOBS = table("pgqueuer", column("id", BigInteger), column("status"))
JOB_STATUS = cast(JOBS.c.status, Text)
LIVE_STATE = case(
    (RetrainRunRow.verdict.is_not(None), RetrainRunRow.verdict),
    (JOB_STATUS == "queued", literal("queued")),
    (JOB_STATUS == "picked", literal("running")),
    else_=literal("failed"),
).label("state")
RUNS = select(RetrainRunRow, LIVE_STATE).outerjoin(JOBS, JOBS.c.id == RetrainRunRow.job_id)


@dataclass(frozen=True, slots=True)
class RunInState:
    """A run and its state."""

    row: RetrainRunRow
    state: str


class RetrainRepository:
    """Retraining runs within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Lock out other transactions that request a run."""
        await hold(self._session, Lock.ASK_FOR_RETRAIN)

    async def active(self) -> RunInState | None:
        """The run that is queued or running, if any."""
        return await self._first(RUNS.where(LIVE_STATE.in_(["queued", "running"])))

    async def get(self, run_id: UUID) -> RunInState | None:
        """One run."""
        return await self._first(RUNS.where(RetrainRunRow.run_id == run_id))

    async def newest(self, limit: int) -> Sequence[RunInState]:
        """The latest runs, newest first."""
        found = await self._session.execute(RUNS.order_by(RetrainRunRow.requested_at.desc()).limit(limit))
        return [RunInState(row, state) for row, state in found]

    async def insert(
        self, run_id: UUID, *, forced: bool, min_new_samples: int, new_outcomes: int, requested_by: str | None
    ) -> RetrainRunRow:
        """Store a requested run."""
        row = RetrainRunRow(
            run_id=run_id,
            forced=forced,
            min_new_samples=min_new_samples,
            new_outcomes=new_outcomes,
            requested_by=requested_by,
            figures={},
        )
        self._session.add(row)
        await self._session.flush()
        await self._session.refresh(row, ["requested_at"])
        return row

    async def note_progress(self, run_id: UUID, phase: str, progress: float) -> None:
        """Store a run's progress, unless it has ended."""
        await self._session.execute(
            update(RetrainRunRow)
            .where(RetrainRunRow.run_id == run_id, RetrainRunRow.verdict.is_(None))
            .values(phase=phase, progress=progress)
        )

    async def claim_verdict(self, run_id: UUID) -> RetrainRunRow | None:
        """The run, locked, if it has no verdict yet. Whoever holds the lock may publish one."""
        return await self._session.scalar(
            select(RetrainRunRow)
            .where(RetrainRunRow.run_id == run_id, RetrainRunRow.verdict.is_(None))
            .with_for_update()
        )

    async def conclude(
        self,
        row: RetrainRunRow,
        verdict: str,
        now: datetime,
        *,
        reason: str | None = None,
        model_version: str | None = None,
        metrics: dict[str, Any] | None = None,
        figures: dict[str, Any] | None = None,
    ) -> None:
        """Store how a run ended, with its figures."""
        row.verdict, row.reason, row.finished_at = verdict, reason, now
        row.model_version, row.metrics, row.figures = model_version, metrics, figures or {}
        await self._session.flush()

    async def _first(self, query: Any) -> RunInState | None:
        found = (await self._session.execute(query.limit(1))).first()
        return None if found is None else RunInState(found[0], found[1])
