"""How often the promotion gate errs: honest retrainings it refuses, spoiled ones it promotes.

    python -m benchmarks.gate_errors FILE [--entry close] [--start DATE] [--cuts 6] [--sessions 50 250] [--only honest]

A champion is trained to each of some dates; bars and fifty reported trades follow, as they were, then spoiled in many
ways. "Harm" is what the promoted challengers lose, in nats a session, on 125 honest sessions after.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.spoiled import SPOILED, Case, Spoil
from kronos.condor.spec import DEFAULT_COLUMN, CondorSpec
from kronos.features.variants import CURRENT_FEATURES, FULL
from kronos.market.csv_file import read_market_csv
from kronos.market.history import MarketHistory
from kronos.market.sessions import as_date
from kronos.model.gate import GateLimits
from kronos.model.model import Model
from kronos.retraining.reported_trades import ReportedTrade
from kronos.retraining.retrain import RetrainResult, retrain
from kronos.statistics.intervals import wilson
from kronos.training.estimator import CurveEstimator, StagedModel
from kronos.training.export import fingerprint, train
from kronos.training.rows import TrainingRows, build_rows

AFTERWARDS = 125
LOOKBACK_SESSIONS = max(feature.lookback_sessions for feature in CURRENT_FEATURES)
REPORTS = 50


def reports(history: MarketHistory, spec: CondorSpec, first_new: int) -> list[ReportedTrade]:
    """Honest reports of the newest settled sessions."""
    rows = build_rows(history, spec, start=history.sessions[first_new])[0].take(slice(-REPORTS, None))
    outcomes = np.where(rows.labels[:, DEFAULT_COLUMN] == 1, "MAX_PROFIT", "PUT_BREACHED")
    return [
        ReportedTrade(as_date(rows.sessions[at]), str(outcomes[at]), 1.0, float(rows.price[at]), float(rows.vix[at]))
        for at in range(len(rows))
    ]


def harm(result: RetrainResult, champion: bytes, later: MarketHistory, spec: CondorSpec) -> float:
    """Log loss of the challenger minus the champion's, on honest sessions that neither has seen; NaN if too few."""
    if result.challenger is None or len(later) < LOOKBACK_SESSIONS + AFTERWARDS:
        return math.nan
    rows = build_rows(later.slice(0, LOOKBACK_SESSIONS + AFTERWARDS), spec)[0]
    rows = rows.take(rows.complete(FULL))
    won = rows.labels[:, DEFAULT_COLUMN] == 1
    models = (Model.from_artefact(result.challenger.artefact), Model.from_bytes(champion))
    probabilities = [model.served_curves(FULL.name, rows.of_variant(FULL))[:, DEFAULT_COLUMN] for model in models]
    ours, theirs = (-np.log(np.where(won, probability, 1 - probability)).mean() for probability in probabilities)
    return float(ours - theirs)


def share(count: int, of: int) -> str:
    """A share with its 95 % Wilson interval."""
    low, high = wilson(count, of)
    return f"{count}/{of} {count / of:.0%} ({max(0.0, low):.0%} to {min(1.0, high):.0%})"


def remember_folds() -> None:
    """Fold after fold is the same in every retraining: fit each once."""
    fit = CurveEstimator.fit_uncalibrated
    known: dict[Any, StagedModel] = {}

    def remembered(estimator: CurveEstimator, rows: TrainingRows) -> StagedModel:
        key = (estimator.variant.name, repr(estimator.recipe), fingerprint(rows))
        if key not in known:
            known[key] = fit(estimator, rows)
        return known[key]

    CurveEstimator.fit_uncalibrated = remembered  # type: ignore[method-assign,assignment]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--entry", choices=["open", "close"], default="open")
    parser.add_argument("--start", default="2015-12-31", help="first date that a champion is trained to")
    parser.add_argument("--cuts", type=int, default=6, help="champions, evenly over time")
    parser.add_argument("--sessions", type=int, nargs="+", default=[50, 125, 250], help="new ones at a retraining")
    parser.add_argument("--spoiled-sessions", type=int, default=50, help="new ones where they are spoiled")
    parser.add_argument("--only", default="", help="the cases whose names begin so")
    parser.add_argument("--figures", type=Path, help="write every decision's figures to this file, as JSON lines")
    return parser.parse_args()


def main() -> None:
    asked = options()
    spec = CondorSpec(asked.entry, 0 if asked.entry == "open" else 1)
    history = read_market_csv(asked.file)
    remember_folds()
    wanted: list[tuple[str, Spoil, int]] = [("honest", lambda case: case, n) for n in asked.sessions]
    wanted += [(name, spoil, asked.spoiled_sessions) for name, spoil in SPOILED.items()]
    wanted = [case for case in wanted if case[0].startswith(asked.only)]
    first = np.searchsorted(history.sessions, np.datetime64(asked.start))
    cuts = np.linspace(first, len(history) - min(n for _, _, n in wanted), asked.cuts).astype(int)
    results: dict[tuple[str, int], list[tuple[RetrainResult, float]]] = defaultdict(list)
    started = time.perf_counter()
    for cut in cuts:
        champion = train(build_rows(history.slice(0, cut), spec)[0], spec, history).artefact.to_bytes()
        for name, spoil, n in wanted:
            if cut + n > len(history):
                continue
            known = history.slice(0, cut + n)
            case = spoil(Case(known, cut, reports(known, spec, cut), np.random.default_rng([cut, n]), spec))
            today = as_date(known.sessions[-1])
            result = retrain(champion, case.history, case.trades, GateLimits(), today, recipe=case.recipe)
            results[name, n].append((result, harm(result, champion, history.slice(cut + n, len(history)), spec)))
            if asked.figures:
                record = {
                    "cut": str(history.sessions[cut]),
                    "case": name,
                    "sessions": n,
                    **summary(*results[name, n][-1]),
                }
                with asked.figures.open("a") as file:
                    file.write(json.dumps(record) + "\n")
    print(f"entry at the {spec.entry}, {len(cuts)} champions trained to {history.sessions[cuts[0]]} ... ", end="")
    print(f"{history.sessions[cuts[-1]]}; {time.perf_counter() - started:.0f} s")
    print(f"{'':<26}{'new':>4}  {'promoted':<25}{'harm':>7}  refused for")
    for (name, n), ended in results.items():
        promoted = [harmed for result, harmed in ended if result.promoted]
        measured = [harmed for harmed in promoted if not math.isnan(harmed)]
        mean = f"{np.mean(measured):+.3f}" if measured else ""
        reasons = Counter(why for result, _ in ended if not result.promoted for why in causes(str(result.reason)))
        said = ", ".join(f"{why} {count}" for why, count in reasons.most_common())
        print(f"{name:<26}{n:>4}  {share(len(promoted), len(ended)):<25}{mean:>7}  {said}")


def summary(result: RetrainResult, harmed: float) -> dict[str, Any]:
    return {"promoted": result.promoted, "reason": result.reason, "harm": harmed, **result.figures}


def causes(reason: str) -> list[str]:
    """The kinds of reason in a refusal."""
    if reason.startswith("the reported trades"):
        return ["contradicted"]
    if reason.startswith("insufficient"):
        return ["insufficient"]
    return [part.split()[0] for part in reason.removeprefix("implausible_data: ").split("; ")]


if __name__ == "__main__":
    main()
