"""A worker that dies by `kill -9` at a named moment of its run: `python -m tests.support.doomed_worker MOMENT FILE`.

Everything is the real worker but the training, in whose place FILE is the challenger, so that a moment is a line of
code and not a matter of timing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import service.worker
from kronos.model.model import Model
from service.db.engine import Sessions, transaction
from service.models.repository import ModelRepository
from service.process.logs import configure_logs
from service.retrain.publish import RunVerdict
from service.retrain.publish import publish as really_publish
from service.retrain.repository import RetrainRepository
from service.settings import Settings, load_settings

PICKED, TRAINED, PUBLISHING, PUBLISHED, NEVER = "picked", "trained", "publishing", "published", "never"
DEADLY = (PICKED, TRAINED, PUBLISHING, PUBLISHED)


def install(moment: str, content: bytes) -> None:
    """Put the challenger in the training's place, and death at the moment."""

    model = Model.from_bytes(content)

    def reached(now: str) -> None:
        if now == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    async def train(_settings: Settings, sessions: Sessions, run_id: UUID, _today: date) -> RunVerdict | None:
        reached(PICKED)
        async with transaction(sessions) as session:
            run = await RetrainRepository(session).get(run_id)
            champion = await ModelRepository(session).champion_identity()
        if run is None or run.row.verdict is not None or champion is None:
            return None
        reached(TRAINED)
        return RunVerdict(
            promoted=True,
            reason=None,
            artefact=content,
            manifest=dict(model.manifest),
            metrics=model.headline_metrics,
            figures={},
            outcome_ids=(),
            champion_sha256=champion[1],
        )

    async def publish(*arguments: Any, **options: Any) -> None:
        await really_publish(*arguments, **options)
        reached(PUBLISHED)

    conclude = RetrainRepository.conclude

    async def concluding(*arguments: Any, **options: Any) -> None:
        await conclude(*arguments, **options)
        reached(PUBLISHING)

    vars(service.worker).update(train_challenger=train, publish=publish)
    RetrainRepository.conclude = concluding  # type: ignore[method-assign]


if __name__ == "__main__":
    install(sys.argv[1], Path(sys.argv[2]).read_bytes())
    settings = load_settings()
    configure_logs(settings.log_format, settings.log_level)
    asyncio.run(service.worker.run_worker(settings))
