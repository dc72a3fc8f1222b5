"""One retraining in a process of its own: `python -m kronos.retraining.job FOLDER`.

It reads `champion.ares`, `job.json` and, if present, `market_days.csv` from the folder. It writes `result.json` and, if
a challenger was trained, `challenger.ares`. Its stdout carries only progress, as JSON lines that are each a
`kronos.progress.Step`. It runs at low priority, and exits when its stdin closes, since its parent is then gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TextIO

from kronos.market.csv_file import read_market_csv
from kronos.model.gate import GateLimits
from kronos.progress import PhasedProgress, Step
from kronos.retraining.reported_trades import ReportedTrade
from kronos.retraining.retrain import COMPARING, retrain
from kronos.training.export import TRAINING

NICENESS = 10
ORPHANED = 3
STDIN = 0
READING, WRITING = "reading", "writing"
SHARES = {
    READING: 0.02,
    **dict.fromkeys(reversed(TRAINING.values()), 0.75 / len(TRAINING)),
    COMPARING: 0.21,
    WRITING: 0.02,
}
SECONDS_BETWEEN_LINES = 0.3


def main(folder: Path, lines: TextIO) -> None:
    """Run the job in a folder, and write progress to `lines`."""
    progress = PhasedProgress(SHARES, written_to(lines))
    progress(READING)
    job = json.loads((folder / "job.json").read_text())
    bars = folder / "market_days.csv"
    result = retrain(
        (folder / "champion.ares").read_bytes(),
        read_market_csv(bars) if bars.exists() else None,
        [ReportedTrade(**{**trade, "session": date.fromisoformat(trade["session"])}) for trade in job["trades"]],
        GateLimits(**job["limits"]),
        date.fromisoformat(job["today"]),
        forced=job["forced"],
        progress=progress,
    )
    written = progress(WRITING)
    challenger = result.challenger
    if challenger is not None:
        (folder / "challenger.ares").write_bytes(challenger.artefact.to_bytes())
    summary = {
        "promoted": result.promoted,
        "reason": result.reason,
        "figures": result.figures,
        "manifest": None if challenger is None else dict(challenger.artefact.manifest),
        "metrics": None if challenger is None else challenger.headline_metrics,
    }
    (folder / "result.json").write_text(json.dumps(summary))
    written(1, 1)


def written_to(lines: TextIO, clock: Callable[[], float] = time.monotonic) -> Callable[[Step], None]:
    """Write steps as JSON lines: the first of each phase, the very last, and a few per second in between."""
    phase, written_at = "", -SECONDS_BETWEEN_LINES

    def write(step: Step) -> None:
        nonlocal phase, written_at
        now = clock()
        if step.phase == phase and step.fraction < 1 and now - written_at < SECONDS_BETWEEN_LINES:
            return
        phase, written_at = step.phase, now
        lines.write(json.dumps(asdict(step)) + "\n")
        lines.flush()

    return write


def _end_with_stdin() -> None:
    while os.read(STDIN, 1):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    os.nice(NICENESS)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    stdout = sys.stdout
    with redirect_stdout(sys.stderr):
        main(Path(sys.argv[1]), stdout)
