"""One retraining as a process of its own: `python -m kronos.training.retrain_job FOLDER`.

Reads `champion.ares`, `market_days.csv` (if there) and `job.json` from the folder; writes `result.json` and, if one
was trained, `challenger.ares`. Runs niced, and ends when its stdin does: then whoever asked for it is gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from datetime import date
from pathlib import Path

from kronos.gate import GateLimits
from kronos.market_csv import read_market_csv
from kronos.training.retrain import retrain
from kronos.training.trades import Trade

NICENESS = 10
ORPHANED = 3
STDIN = 0


def main(folder: Path) -> None:
    """Carry out the job."""
    job = json.loads((folder / "job.json").read_text())
    bars = folder / "market_days.csv"
    result = retrain(
        (folder / "champion.ares").read_bytes(),
        read_market_csv(bars) if bars.exists() else None,
        [Trade(**{**trade, "session": date.fromisoformat(trade["session"])}) for trade in job["trades"]],
        GateLimits(**job["limits"]),
        date.fromisoformat(job["today"]),
        forced=job["forced"],
    )
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


def _end_with_stdin() -> None:
    while os.read(STDIN, 1):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    os.nice(NICENESS)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    main(Path(sys.argv[1]))
