"""Score the model beside climatologies, a logistic regression, the guide's recipe and VIX9D alone."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from kronos.condor.entry import PriceTally
from kronos.condor.spec import DEFAULT_COLUMN, SD_MULTIPLIERS, CondorSpec
from kronos.errors import TrainingRefusedError
from kronos.features.variants import FULL, SHORT_DATED, Variant
from kronos.market.history import Floats, MarketHistory, Positions, years_of
from kronos.model.log_odds import expit
from kronos.progress import Progress
from kronos.statistics.calibration import joint_bands
from kronos.statistics.scores import Scores, score
from kronos.training.estimator import StagedModel, walk_variant
from kronos.training.fair_value_scores import FairValueScores, PayoutForecasts, forecast_payouts, score_fair_values
from kronos.training.money_study import MoneyStudy, study_money
from kronos.training.recipe import DEFAULT_RECIPES, Recipe
from kronos.training.references import GuideEstimator, GuideModel
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Predictions, Walk, walk_forward

VIX_REGIMES = ((0.0, 15.0), (15.0, 20.0), (20.0, 30.0), (30.0, float("inf")))
MIN_SESSIONS_IN_GROUP = 20
BAND_SEED = 0


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Out-of-sample scores of one variant and its references, on the same sessions.

    Attributes
    ----------
    sessions : number of sessions tested
    base_rate : win rate of the tested sessions at multiplier 1.0
    references : `model`, `climatology`, `recent_climatology`, `logistic`, `guide_recipe` at multiplier 1.0; where VIX9D
        is there, also `short_dated`, which knows VIX9D and nothing else, and `model_beside_short_dated`, both on the
        sessions that have it
    by_multiplier, by_year, by_vix_regime : the model's scores, by group
    joint_bands : (multipliers,) bounds that a calibrated model stays within at all of them in 95 % of samples
    scored_apart : the model's scores on the sessions whose price at entry is less exact; None if there are too few
    rounds : how many trees the last model boosts
    prices : where the prices at entry of all rows come from, with the sessions left out
    fair_value : the curves scored as forecasts of money; None without a history, or if condors are not held
    money : the policy as an account, beside simple rules, in every world of price; None without a history
    forecasts : the fair credits of the scored sessions, and what was paid
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
    joint_bands: Floats
    scored_apart: Scores | None
    rounds: int
    prices: PriceTally
    fair_value: FairValueScores | None
    forecasts: PayoutForecasts | None
    money: MoneyStudy | None
    walk: Walk[StagedModel]
    logistic: Floats
    scored: Positions

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        by_multiplier = {
            name: scores.as_dict(with_bins=False) | {"band_joint": float(band)}
            for (name, scores), band in zip(self.by_multiplier.items(), self.joint_bands, strict=True)
        }
        groups = ("by_year", "by_vix_regime")
        return {
            "variant": self.variant,
            "sessions": self.sessions,
            "first": self.first,
            "last": self.last,
            "base_rate": self.base_rate,
            "entry_price_sources": self.prices.as_dict(),
            "boosting_rounds": self.rounds,
            **{name: scores.as_dict() for name, scores in self.references.items()},
            "by_multiplier": by_multiplier,
            **{
                group: {name: scores.as_dict(with_bins=False) for name, scores in getattr(self, group).items()}
                for group in groups
            },
            "scored_apart": None if self.scored_apart is None else self.scored_apart.as_dict(with_bins=False),
            "fair_value": None if self.fair_value is None else self.fair_value.as_dict(),
            "money": None if self.money is None else self.money.as_dict(),
        }

    def write_predictions(self, path: Path) -> None:
        """Write one CSV row per tested session and multiplier: probabilities with both climatologies, and payouts."""
        tested = self.walk.predictions
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            columns = ["date", "sd_multiplier", "probability", "base_rate", "win", "recent_base_rate"]
            writer.writerow([*columns, "fair_credit_points", "payout_points"])
            for place, row in enumerate(self.scored):
                for at, multiplier in enumerate(SD_MULTIPLIERS):
                    values = (tested.probability[row, at], tested.climatology[row, at], tested.recent[row, at])
                    probability, base_rate, recent = (f"{value:.6f}" for value in values)
                    won = int(tested.rows.labels[row, at])
                    said = (tested.rows.sessions[row], multiplier, probability, base_rate, won, recent)
                    writer.writerow([*said, *self._money(place, at)])

    def _money(self, place: int, at: int) -> tuple[str, str]:
        if self.forecasts is None:
            return "", ""
        return f"{self.forecasts.said[place, at]:.6f}", f"{self.forecasts.paid[place, at]:.6f}"


def evaluate(
    rows: TrainingRows,
    spec: CondorSpec,
    variant: Variant = FULL,
    *,
    history: MarketHistory | None = None,
    test_start: np.datetime64 | None = None,
    prices: PriceTally | None = None,
    recipe: Recipe | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Evaluation:
    """Walk the variant and its references forward, and score them from `test_start` on.

    Parameters
    ----------
    history : the bars that the rows came from, to score fair credits and the policy with
    prices : where the rows' prices at entry come from, as `build_rows` says; default: counted from the rows
    recipe : default: the one for this kind of entry

    Raises
    ------
    TrainingRefusedError
        If there is too little to train on, or nothing to test.
    """
    gap, recipe = spec.horizon_sessions, recipe or DEFAULT_RECIPES[spec.entry]
    walk = walk_variant(rows, variant, gap, recipe, jobs=jobs, progress=progress)
    guide = _walk_guide(rows, gap, recipe, jobs).predictions
    tested = walk.predictions
    scored = tested.scored(test_start)
    scored = scored[np.isin(tested.rows.sessions[scored], guide.rows.sessions)]
    if not len(scored):
        raise TrainingRefusedError("no session is left to test: choose an earlier --test-start or a longer history")
    sessions, curves = tested.rows.sessions[scored], tested.probability[scored]
    at_one = Columns.at(tested, scored, DEFAULT_COLUMN)
    logistic = _logistic(walk)
    forecasts = None if history is None else forecast_payouts(tested, walk.tested, rows, history, spec)
    forecasts = None if forecasts is None else forecasts.take(scored)
    references = {
        "model": at_one.probability,
        "climatology": at_one.climatology,
        "recent_climatology": at_one.recent,
        "logistic": logistic[scored, DEFAULT_COLUMN],
        "guide_recipe": guide.probability[np.searchsorted(guide.rows.sessions, sessions), 0],
    }
    return Evaluation(
        variant=variant.name,
        sessions=len(scored),
        first=str(sessions[0]),
        last=str(sessions[-1]),
        base_rate=float(at_one.won.mean()),
        references={name: at_one.scored_as(column) for name, column in references.items()}
        | _short_dated(rows, at_one, sessions, gap, recipe, jobs),
        by_multiplier={
            f"{multiplier:.1f}": Columns.at(tested, scored, at).scores() for at, multiplier in enumerate(SD_MULTIPLIERS)
        },
        by_year=at_one.by_group(years_of(sessions).astype(str)),
        by_vix_regime=at_one.by_group(_regimes(tested.rows.vix[scored])),
        joint_bands=joint_bands(curves, np.random.default_rng(BAND_SEED)),
        scored_apart=_scored_apart(tested, test_start),
        rounds=walk.models[-1].rounds[walk.models[-1].chosen],
        prices=prices or PriceTally.of(rows.source),
        fair_value=None if forecasts is None else score_fair_values(forecasts, spec.wing_width_points),
        forecasts=forecasts,
        money=None if history is None else study_money(tested, walk.tested, scored, rows, history, spec),
        walk=walk,
        logistic=logistic,
        scored=scored,
    )


@dataclass(frozen=True, eq=False)
class Columns:
    """Forecasts for one multiplier, with both climatologies beside them: (n,) each."""

    probability: Floats
    climatology: Floats
    recent: Floats
    won: Floats

    @classmethod
    def at(cls, tested: Predictions, chosen: Positions, column: int) -> Columns:
        """Some of the predictions, at one multiplier."""
        values = (tested.probability, tested.climatology, tested.recent, tested.rows.labels)
        return cls(*(array[chosen, column] for array in values))

    def take(self, chosen: Any) -> Columns:
        """Some of the sessions."""
        values = (self.probability, self.climatology, self.recent, self.won)
        return Columns(*(array[chosen] for array in values))

    def scores(self) -> Scores:
        """How good the probabilities are."""
        return score(self.probability, self.climatology, self.recent, self.won)

    def scored_as(self, probability: Floats) -> Scores:
        """How good other probabilities for the same sessions are."""
        return replace(self, probability=probability).scores()

    def by_group(self, groups: np.ndarray[Any, Any]) -> dict[str, Scores]:
        """The scores of each group that is not too small."""
        return {
            str(name): self.take(chosen).scores()
            for name in np.unique(groups)
            if (chosen := groups == name).sum() >= MIN_SESSIONS_IN_GROUP
        }


def _walk_guide(rows: TrainingRows, gap_sessions: int, recipe: Recipe, jobs: int) -> Walk[GuideModel]:
    estimator = GuideEstimator(recipe.seed)
    complete = rows.take(rows.complete(estimator.variant))
    splits = recipe.walk_forward.splits(complete.sessions, gap_sessions)
    walk: Walk[GuideModel] = walk_forward(estimator, complete, splits, gap_sessions, jobs=jobs)
    return walk


def _short_dated(
    rows: TrainingRows, model: Columns, sessions: np.ndarray[Any, Any], gap_sessions: int, recipe: Recipe, jobs: int
) -> dict[str, Scores]:
    """What VIX9D alone implies, calibrated, and the model on the same sessions; nothing if there are too few."""
    alone = replace(recipe, boosting=replace(recipe.boosting, rounds=(0,)))
    try:
        tested = walk_variant(rows, SHORT_DATED, gap_sessions, alone, jobs=jobs).predictions
    except TrainingRefusedError:
        return {}
    theirs = tested.scored()
    _, ours, at = np.intersect1d(sessions, tested.rows.sessions[theirs], return_indices=True)
    if len(ours) < MIN_SESSIONS_IN_GROUP:
        return {}
    here = model.take(ours)
    return {
        "short_dated": here.scored_as(tested.probability[theirs[at], DEFAULT_COLUMN]),
        "model_beside_short_dated": here.scores(),
    }


def _scored_apart(tested: Predictions, test_start: np.datetime64 | None) -> Scores | None:
    apart = tested.scored(test_start, apart=True)
    return Columns.at(tested, apart, DEFAULT_COLUMN).scores() if len(apart) >= MIN_SESSIONS_IN_GROUP else None


def _logistic(walk: Walk[StagedModel]) -> Floats:
    """(n, multipliers) probabilities of the logistic regressions inside the walk's models."""
    rows = walk.predictions.rows
    return np.concatenate(
        [
            expit(staged.whole.logistic_log_odds(rows.of_variant(staged.whole.variant)[tested]))
            for staged, tested in zip(walk.models, walk.tested, strict=True)
        ]
    )


def _regimes(vix: Floats) -> np.ndarray[Any, Any]:
    """(n,) the name of each session's VIX range."""
    names = np.full(len(vix), "", dtype="<U16")
    for low, high in VIX_REGIMES:
        names[(vix >= low) & (vix < high)] = f"{low:.0f} to {high:.0f}" if np.isfinite(high) else f"{low:.0f} and over"
    return names
