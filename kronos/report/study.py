"""Everything that the report shows, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kronos.backtest import Backtest, backtest
from kronos.condor.entry import PriceTally
from kronos.condor.spec import DEFAULT_COLUMN, CondorSpec
from kronos.errors import TrainingRefusedError
from kronos.features.variants import FULL, Variant
from kronos.market.history import Floats, MarketHistory, Positions
from kronos.market.sessions import Days
from kronos.progress import Progress
from kronos.report.effects import Effect, FoldModel, feature_effects
from kronos.report.opening_prices import OpeningYear, opening_years
from kronos.training.estimator import CurveEstimator
from kronos.training.evaluate import Evaluation, evaluate
from kronos.training.recipe import DEFAULT_RECIPES, Recipe
from kronos.training.rows import TrainingRows, build_rows

MIN_TESTED_SESSIONS = 60


@dataclass(frozen=True, eq=False)
class Study:
    """One variant, studied on one history.

    Attributes
    ----------
    rows : all training rows
    prices : where the prices at entry come from, with the sessions that were left out
    chosen : positions of the tested sessions in `evaluation.walk.predictions`
    condors : every session's, and how it ended
    effects : of the features, most important first
    openings : opens of the tested years; empty for an entry at the close
    """

    spec: CondorSpec
    recipe: Recipe
    rows: TrainingRows
    prices: PriceTally
    evaluation: Evaluation
    chosen: Positions
    condors: Backtest
    effects: Sequence[Effect]
    openings: Sequence[OpeningYear]

    @property
    def sessions(self) -> Days:
        """(n,) the tested sessions."""
        return self.evaluation.walk.predictions.rows.sessions[self.chosen]

    @property
    def probability(self) -> Floats:
        """(n,) at multiplier 1.0, out of sample."""
        return np.asarray(self.evaluation.walk.predictions.probability[self.chosen, DEFAULT_COLUMN])

    @property
    def climatology(self) -> Floats:
        """(n,) the base rate known at the time."""
        return np.asarray(self.evaluation.walk.predictions.climatology[self.chosen, DEFAULT_COLUMN])

    @property
    def logistic(self) -> Floats:
        """(n,) the logistic regression's probability."""
        return np.asarray(self.evaluation.logistic[self.chosen, DEFAULT_COLUMN])

    @property
    def won(self) -> Floats:
        """(n,) 1.0 or 0.0 at multiplier 1.0."""
        return np.asarray(self.evaluation.walk.predictions.rows.labels[self.chosen, DEFAULT_COLUMN])


def make_study(
    history: MarketHistory,
    spec: CondorSpec,
    variant: Variant = FULL,
    *,
    test_start: np.datetime64 | None = None,
    recipe: Recipe | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Study:
    """Evaluate a variant as `kronos evaluate` does, and study it more closely.

    Parameters
    ----------
    test_start : the first session to score; default: the first that was predicted
    recipe : default: the one for this kind of entry
    progress : called with the number of steps done and the total while the variant is walked forward

    Raises
    ------
    MarketDataError
        If the history has no usable session.
    TrainingRefusedError
        If there is too little to train on, or nothing to test.
    """
    recipe = recipe or DEFAULT_RECIPES[spec.entry]
    rows, prices = build_rows(history, spec)
    evaluation = evaluate(
        rows,
        spec,
        variant,
        history=history,
        test_start=test_start,
        prices=prices,
        recipe=recipe,
        jobs=jobs,
        progress=progress,
    )
    tested = evaluation.walk.predictions
    chosen = _enough_to_report_on(evaluation.scored)
    walked = [
        FoldModel(staged.model, own[np.isin(own, chosen)])
        for staged, own in zip(evaluation.walk.models, evaluation.walk.tested, strict=True)
        if np.isin(own, chosen).any()
    ]
    shipped = CurveEstimator(variant, recipe).fit(rows, tested)
    sessions = tested.rows.sessions[chosen]
    return Study(
        spec=spec,
        recipe=recipe,
        rows=rows,
        prices=prices,
        evaluation=evaluation,
        chosen=chosen,
        condors=backtest(history, spec),
        effects=feature_effects(shipped, walked, tested, chosen, recipe.seed),
        openings=tuple(opening_years(history, spec, sessions)) if spec.entry == "open" else (),
    )


def _enough_to_report_on(chosen: Positions) -> Positions:
    if len(chosen) < MIN_TESTED_SESSIONS:
        raise TrainingRefusedError(
            f"{len(chosen)} sessions to test are too few for a report, {MIN_TESTED_SESSIONS} are needed: "
            "choose an earlier --test-start or a longer history"
        )
    return chosen
