"""Score the model beside its references: climatology, a logistic regression and the guide's own recipe."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kronos.backtest import Backtest
from kronos.condor.spec import DEFAULT_COLUMN, SD_MULTIPLIERS, CondorSpec
from kronos.errors import TrainingRefusedError
from kronos.features.variants import FULL, Variant
from kronos.market.history import Floats, Positions, years_of
from kronos.model.curve import CurveModel
from kronos.model.log_odds import expit
from kronos.model.policy import Policy
from kronos.progress import Progress
from kronos.statistics.scores import Scores, score
from kronos.training.estimator import walk_variant
from kronos.training.policy_scores import PolicyScores, replay_policy
from kronos.training.recipe import DEFAULT_RECIPE, Recipe
from kronos.training.references import GuideEstimator, GuideModel
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Walk, walk_forward

VIX_REGIMES = ((0.0, 15.0), (15.0, 20.0), (20.0, 30.0), (30.0, float("inf")))
MIN_SESSIONS_IN_GROUP = 20


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Out-of-sample scores of one variant and its references, on the same sessions.

    Attributes
    ----------
    sessions : number of sessions tested
    base_rate : win rate of the tested sessions at multiplier 1.0
    references : `model`, `climatology`, `logistic`, `guide_recipe` at multiplier 1.0
    by_multiplier, by_year, by_vix_regime : the model's scores, by group
    policy : the served policy scored with modelled money; None without a backtest
    walk : the models and their predictions
    logistic : (n, multipliers) probabilities of the same walk's logistic regressions, one row per prediction
    scored : the rows of the predictions that all figures refer to
    """

    variant: str
    sessions: int
    first: str
    last: str
    base_rate: float
    references: Mapping[str, Scores]
    by_multiplier: Mapping[str, Scores]
    by_year: Mapping[str, Scores]
    by_vix_regime: Mapping[str, Scores]
    policy: PolicyScores | None
    walk: Walk[CurveModel]
    logistic: Floats
    scored: Positions

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        groups = ("by_multiplier", "by_year", "by_vix_regime")
        return {
            "variant": self.variant,
            "sessions": self.sessions,
            "first": self.first,
            "last": self.last,
            "base_rate": self.base_rate,
            **{name: scores.as_dict() for name, scores in self.references.items()},
            **{
                group: {name: scores.as_dict(with_bins=False) for name, scores in getattr(self, group).items()}
                for group in groups
            },
            "policy": None if self.policy is None else self.policy.as_dict(),
        }

    def write_predictions(self, path: Path) -> None:
        """Write one CSV row per tested session and multiplier: `date,sd_multiplier,probability,base_rate,win`."""
        tested = self.walk.predictions
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["date", "sd_multiplier", "probability", "base_rate", "win"])
            for row in self.scored:
                for at, multiplier in enumerate(SD_MULTIPLIERS):
                    values = (tested.probability[row, at], tested.climatology[row, at])
                    won = int(tested.rows.labels[row, at])
                    writer.writerow([tested.rows.sessions[row], multiplier, *(f"{value:.6f}" for value in values), won])


def evaluate(
    rows: TrainingRows,
    spec: CondorSpec,
    variant: Variant = FULL,
    *,
    test_start: np.datetime64 | None = None,
    money: Backtest | None = None,
    policy: Policy | None = None,
    recipe: Recipe = DEFAULT_RECIPE,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """Walk the variant and its references forward, and score them from `test_start` on.

    Parameters
    ----------
    money : a backtest of the same history and spec, to score the policy with
    policy : default: the policy of new models

    Raises
    ------
    TrainingRefusedError
        If there is too little to train on, or nothing to test.
    """
    gap = spec.horizon_sessions
    walk = walk_variant(rows, variant, gap, recipe, jobs=jobs, progress=progress)
    guide = _walk_guide(rows, gap, recipe, jobs).predictions
    tested = walk.predictions
    scored = tested.scored(test_start)
    scored = scored[np.isin(tested.rows.sessions[scored], guide.rows.sessions)]
    if not len(scored):
        raise TrainingRefusedError("no session is left to test: choose an earlier --test-start or a longer history")
    sessions, labels = tested.rows.sessions[scored], tested.rows.labels[scored]
    model, climatology = tested.probability[scored], tested.climatology[scored]
    won, base = labels[:, DEFAULT_COLUMN], climatology[:, DEFAULT_COLUMN]
    logistic = _logistic(walk)
    columns = {
        "model": model[:, DEFAULT_COLUMN],
        "climatology": base,
        "logistic": logistic[scored, DEFAULT_COLUMN],
        "guide_recipe": guide.probability[np.searchsorted(guide.rows.sessions, sessions), 0],
    }
    return Evaluation(
        variant=variant.name,
        sessions=len(scored),
        first=str(sessions[0]),
        last=str(sessions[-1]),
        base_rate=float(won.mean()),
        references={name: score(column, base, won) for name, column in columns.items()},
        by_multiplier={
            f"{multiplier:.1f}": score(model[:, at], climatology[:, at], labels[:, at])
            for at, multiplier in enumerate(SD_MULTIPLIERS)
        },
        by_year=_by_group(years_of(sessions).astype(str), columns["model"], base, won),
        by_vix_regime=_by_group(_regimes(tested.rows.vix[scored]), columns["model"], base, won),
        policy=None if money is None else replay_policy(tested, scored, money, policy or Policy()).scores(),
        walk=walk,
        logistic=logistic,
        scored=scored,
    )


def _walk_guide(rows: TrainingRows, gap_sessions: int, recipe: Recipe, jobs: int) -> Walk[GuideModel]:
    estimator = GuideEstimator(recipe.seed)
    complete = rows.take(rows.complete(estimator.variant))
    splits = recipe.walk_forward.splits(complete.sessions, gap_sessions)
    walk: Walk[GuideModel] = walk_forward(estimator, complete, splits, gap_sessions, jobs=jobs)
    return walk


def _logistic(walk: Walk[CurveModel]) -> Floats:
    """(n, multipliers) probabilities of the logistic regressions inside the walk's models."""
    rows = walk.predictions.rows
    return np.concatenate(
        [
            expit(model.logistic_log_odds(rows.of_variant(model.variant)[tested]))
            for model, tested in zip(walk.models, walk.tested, strict=True)
        ]
    )


def _by_group(groups: np.ndarray[Any, Any], model: Floats, base: Floats, won: Floats) -> dict[str, Scores]:
    return {
        str(name): score(model[chosen], base[chosen], won[chosen])
        for name in np.unique(groups)
        if (chosen := groups == name).sum() >= MIN_SESSIONS_IN_GROUP
    }


def _regimes(vix: Floats) -> np.ndarray[Any, Any]:
    """(n,) the name of each session's VIX range."""
    names = np.full(len(vix), "", dtype="<U16")
    for low, high in VIX_REGIMES:
        names[(vix >= low) & (vix < high)] = f"{low:.0f} to {high:.0f}" if np.isfinite(high) else f"{low:.0f} and over"
    return names
