"""Trains a challenger in a child process at low priority. They share a folder, so nothing here needs scikit-learn."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from kronos.market.csv_file import write_market_csv
from kronos.market.history import MarketHistory
from service.db.engine import Sessions, transaction
from service.errors import DatabaseUnavailableError, TrainingFailedError
from service.market_days.repository import MarketDayRepository
from service.models.repository import ModelRepository
from service.outcomes.repository import OutcomeRepository, TrainingOutcome
from service.retrain.publish import RunVerdict
from service.retrain.repository import RetrainRepository
from service.settings import Settings

log = structlog.get_logger(__name__)

STDERR_KEPT_CHARACTERS = 2_000
PROGRESS_SECONDS = 1.0
NOTE_SECONDS = 5.0


async def train_challenger(settings: Settings, sessions: Sessions, run_id: UUID, today: date) -> RunVerdict | None:
    """Carry out one run up to its verdict; None if it already has one.

    Raises
    ------
    TrainingFailedError, DatabaseUnavailableError
    """
    with tempfile.TemporaryDirectory(prefix="ares-retrain-") as name:
        folder = Path(name)
        inputs = await _write_inputs(settings, sessions, run_id, today, folder)
        if inputs is None:
            return None
        champion_sha256, outcome_ids = inputs
        await _run_child(folder, settings.training_timeout_seconds, _ProgressNotes(sessions, run_id))
        result = json.loads((folder / "result.json").read_text())
        challenger = folder / "challenger.ares"
        return RunVerdict(
            promoted=result["promoted"],
            reason=result["reason"],
            artefact=challenger.read_bytes() if challenger.exists() else None,
            manifest=result["manifest"],
            metrics=result["metrics"],
            figures=result["figures"],
            outcome_ids=outcome_ids,
            champion_sha256=champion_sha256,
        )


async def _write_inputs(
    settings: Settings, sessions: Sessions, run_id: UUID, today: date, folder: Path
) -> tuple[str, tuple[int, ...]] | None:
    """Write the child's inputs; returns the champion's SHA-256 and the ids of the new outcomes."""
    async with transaction(sessions) as session:
        run = await RetrainRepository(session).get(run_id)
        if run is None or run.row.verdict is not None:
            return None
        models = ModelRepository(session)
        champion = await models.champion_identity()
        if champion is None:
            raise TrainingFailedError("there is no champion to continue from")
        artefact = await models.artefact(champion[0])
        history = await MarketDayRepository(session).history()
        outcomes = await OutcomeRepository(session).to_train_with(today)
    job = {"today": str(today), "forced": run.row.forced, "limits": asdict(settings.gate)}
    await asyncio.to_thread(_write, folder, artefact or b"", history, job, outcomes)
    return champion[1], tuple(outcome.id for outcome in outcomes if outcome.is_new)


def _write(
    folder: Path,
    champion: bytes,
    history: MarketHistory | None,
    job: dict[str, Any],
    outcomes: Sequence[TrainingOutcome],
) -> None:
    (folder / "champion.ares").write_bytes(champion)
    if history is not None:
        write_market_csv(history, folder / "market_days.csv")
    (folder / "job.json").write_text(json.dumps({**job, "trades": [_trade(outcome) for outcome in outcomes]}))


def _trade(outcome: TrainingOutcome) -> dict[str, Any]:
    """An outcome in the form that `kronos.retraining.reported_trades.ReportedTrade` takes."""
    return {
        "session": outcome.trade_date.isoformat(),
        "outcome": outcome.outcome,
        "sd_multiplier": outcome.sd_multiplier,
        "price": outcome.price,
        "vix": outcome.vix,
        "put_short_strike": outcome.put_short_strike,
        "call_short_strike": outcome.call_short_strike,
        "settlement_price": outcome.settlement_price,
    }


class _ProgressNotes:
    """Stores a run's progress in its row, at intervals, without ever failing the training."""

    def __init__(self, sessions: Sessions, run_id: UUID) -> None:
        self._sessions = sessions
        self._run_id = run_id
        self._due = 0.0

    async def follow(self, lines: asyncio.StreamReader) -> None:
        """Store what the training job reports, until its output ends."""
        while line := await lines.readline():
            said = json.loads(line)
            if time.monotonic() >= self._due:
                self._due = time.monotonic() + PROGRESS_SECONDS
                await self._note(said["phase"], said["fraction"])

    async def _note(self, phase: str, fraction: float) -> None:
        try:
            async with asyncio.timeout(NOTE_SECONDS), transaction(self._sessions) as session:
                await RetrainRepository(session).note_progress(self._run_id, phase, fraction)
        except (DatabaseUnavailableError, TimeoutError) as error:
            log.warning("progress_not_noted", error=str(error))


async def _run_child(folder: Path, timeout_seconds: float, noted: _ProgressNotes) -> None:
    """Run the training job. Its stdin is a pipe; when that closes, the job knows that the worker is gone."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kronos.retraining.job", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(),
    )
    try:
        said = await asyncio.wait_for(_ended(child, noted), timeout_seconds)
    except TimeoutError as error:
        raise TrainingFailedError(f"training took longer than {timeout_seconds:g} seconds") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        last = said.decode(errors="replace").strip()[-STDERR_KEPT_CHARACTERS:]
        log.error("training_child_failed", returncode=child.returncode, stderr=last)
        raise TrainingFailedError(f"the training process ended with {child.returncode}: {last.splitlines()[-1:]}")


def _environment() -> dict[str, str]:
    """Our environment without keys and passwords, which training does not need."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ADVISOR_", "PG"))}
    return ours | {"OMP_NUM_THREADS": "1"}


async def _ended(child: asyncio.subprocess.Process, noted: _ProgressNotes) -> bytes:
    """What the child wrote to stderr, once it has ended. Stdin stays open; `communicate` would close it at once."""
    assert child.stdout is not None  # noqa: S101 - asked for as pipes
    assert child.stderr is not None  # noqa: S101
    said, _, _ = await asyncio.gather(child.stderr.read(), noted.follow(child.stdout), child.wait())
    return said
