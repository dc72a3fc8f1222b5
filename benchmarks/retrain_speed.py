"""What a retraining costs, in fits of one gradient boosting classifier on the same rows, stacked over multipliers.

    python -m benchmarks.retrain_speed FILE [--entry close]

A retraining walks every variant forward over all of history, fits it, and predicts the new sessions block by block.
The unit is what release 0.1.0 paid for each fold of each variant: 200 rounds of scikit-learn's histogram boosting on
rows of session x multiplier. Both are timed in this process, so that the machine's speed cancels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from kronos.condor.spec import MULTIPLIERS, CondorSpec
from kronos.features.variants import FULL
from kronos.market.csv_file import read_market_csv
from kronos.model.curve import design_matrix
from kronos.model.gate import GateLimits
from kronos.retraining.retrain import retrain
from kronos.training.estimator import single_threaded
from kronos.training.export import train
from kronos.training.rows import TrainingRows, build_rows

NEW_SESSIONS = 60


def seconds(work: Callable[[], Any]) -> float:
    """CPU seconds of this process."""
    before = time.process_time()
    work()
    return time.process_time() - before


@single_threaded
def stacked_fit(rows: TrainingRows) -> None:
    """One fit of release 0.1.0's trees."""
    design = design_matrix(FULL.features, rows.of_variant(FULL))
    columns = np.column_stack([np.repeat(design, len(MULTIPLIERS), axis=0), np.tile(MULTIPLIERS, len(rows))])
    booster = HistGradientBoostingClassifier(
        learning_rate=0.03, max_iter=200, max_leaf_nodes=4, min_samples_leaf=1_100, early_stopping=False
    )
    booster.fit(columns, rows.labels.ravel())


def main() -> None:
    """Time both, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--entry", choices=["open", "close"], default="open")
    asked = parser.parse_args()
    spec = CondorSpec(asked.entry, 0 if asked.entry == "open" else 1)
    history = read_market_csv(asked.file)
    rows = build_rows(history, spec)[0]
    champion = train(rows.take(slice(-NEW_SESSIONS)), spec, history).artefact.to_bytes()
    complete = rows.take(rows.complete(FULL))
    unit = seconds(lambda: stacked_fit(complete))
    whole = seconds(lambda: retrain(champion, history, [], GateLimits(), date.max))
    print(f"{len(rows)} sessions: retraining {whole:.1f} s, one stacked fit {unit:.1f} s, ratio {whole / unit:.1f}")


if __name__ == "__main__":
    main()
