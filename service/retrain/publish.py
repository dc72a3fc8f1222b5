"""How a run ends: with a verdict and, if the gate passes it, a new champion. It happens once, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from kronos.market.clock import Clock
from kronos.model.artefact import identity
from service.db.engine import Sessions, transaction
from service.db.notifications import Topic, notify
from service.models.repository import ModelRepository
from service.outcomes.repository import OutcomeRepository
from service.retrain.repository import RetrainRepository

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """The result of training and of the gate.

    Attributes
    ----------
    promoted : whether the challenger is to become the champion
    reason : why not, if it is not
    artefact : the challenger, if one was trained
    outcome_ids : the new outcomes that were considered
    champion_sha256 : the champion that the challenger was compared with
    """

    promoted: bool
    reason: str | None
    artefact: bytes | None
    manifest: dict[str, Any] | None
    metrics: dict[str, Any] | None
    figures: dict[str, Any]
    outcome_ids: tuple[int, ...]
    champion_sha256: str


async def publish(sessions: Sessions, clock: Clock, run_id: UUID, verdict: RunVerdict, *, models_kept: int) -> None:
    """Store the verdict, unless another worker already has. A promoted challenger becomes the champion."""
    async with transaction(sessions) as session:
        runs, models = RetrainRepository(session), ModelRepository(session)
        await models.lock()
        run = await runs.claim_verdict(run_id)
        if run is None:
            log.info("run_already_concluded", run_id=str(run_id))
            return
        champion = await models.champion_identity()
        overtaken = champion is None or champion[1] != verdict.champion_sha256
        unchanged = verdict.artefact is not None and identity(verdict.artefact) == verdict.champion_sha256
        promoted = verdict.promoted and not overtaken and not unchanged
        reason = verdict.reason
        if overtaken:
            reason = "the champion changed while the challenger was being trained"
        elif unchanged:
            reason = "the outcomes add nothing to what the champion was trained on"
        version = None
        if verdict.artefact is not None:
            version = await _store(models, clock, verdict, run_id, promoted=promoted)
            await models.let_go(models_kept, spared=version)
        if promoted:
            await OutcomeRepository(session).mark_trained(verdict.outcome_ids, run_id)
            await notify(session, Topic.CHAMPION)
        await runs.conclude(
            run,
            "promoted" if promoted else "refused",
            clock(),
            reason=None if promoted else reason,
            model_version=version,
            metrics=verdict.metrics,
            figures=verdict.figures,
        )
    log.info("run_concluded", run_id=str(run_id), promoted=promoted, reason=reason, model_version=version)


async def fail(sessions: Sessions, clock: Clock, run_id: UUID, reason: str) -> None:
    """Record that a run failed."""
    async with transaction(sessions) as session:
        runs = RetrainRepository(session)
        run = await runs.claim_verdict(run_id)
        if run is not None:
            await runs.conclude(run, "failed", clock(), reason=reason)
    log.error("run_failed", run_id=str(run_id), reason=reason)


async def _store(models: ModelRepository, clock: Clock, verdict: RunVerdict, run_id: UUID, *, promoted: bool) -> str:
    artefact = verdict.artefact or b""
    known = await models.by_sha256(identity(artefact))
    row = known or await models.insert(
        origin="retrain",
        state="refused",
        sha256=identity(artefact),
        artefact=artefact,
        manifest=verdict.manifest or {},
        metrics=verdict.metrics,
        run_id=run_id,
    )
    row.artefact = artefact
    if promoted and row.state != "champion":
        await models.promote(row, clock())
    return row.version
