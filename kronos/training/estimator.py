"""The estimators: a logistic regression, boosted trees on top of it, and a calibrator; or a correction of such a model.

Each fit uses a single thread: on busy cores waiting threads make it many times slower, and folds run in parallel
processes anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from kronos.condor.spec import MULTIPLIERS
from kronos.errors import TrainingRefusedError
from kronos.features.variants import Variant
from kronos.market.history import Flags, Floats
from kronos.model.curve import CurveModel, Logistic, PiecewiseLinearCalibrator, design_matrix
from kronos.model.trees import SessionTrees
from kronos.progress import Progress
from kronos.statistics.intervals import t_statistic
from kronos.training.boosting import fit_session_trees
from kronos.training.calibrate import CALIBRATORS, fit_level
from kronos.training.logistic import fit_logistic, newton
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Predictions, Split, Walk, walk_forward

Fit = TypeVar("Fit", bound=Callable[..., object])

IDENTITY: Final = PiecewiseLinearCalibrator(np.array([-20.0, 20.0]), np.array([-20.0, 20.0]))
"""Leaves all log-odds that can occur unchanged."""
TREES_EARNED_T: Final = 1.0
"""Trees are taken only if their gain out of sample is a standard error: the simplest model within one of the best
(Breiman et al. 1984)."""


def single_threaded(fit: Fit) -> Fit:
    """Keep OpenMP and BLAS to one thread while fitting."""
    wrapped: Fit = threadpool_limits.wrap(limits=1)(fit)
    return wrapped


@dataclass(frozen=True, slots=True, eq=False)
class StagedModel:
    """A fitted model whose number of trees is still open.

    Attributes
    ----------
    whole : with as many trees as the recipe allows
    rounds : (s,) the numbers of trees to choose from
    chosen : position in `rounds`
    level : shift of the log-odds before calibration, which the calibrator's knots hold already
    """

    whole: CurveModel
    rounds: tuple[int, ...]
    chosen: int = 0
    level: float = 0.0

    @property
    def model(self) -> CurveModel:
        """The model with the trees that were chosen."""
        return replace(self.whole, boosting=SessionTrees(self.whole.boosting.trees.first(self.rounds[self.chosen])))

    def staged_log_odds(self, features: Floats) -> Floats:
        """(n, s, m) log-odds before calibration, by number of trees."""
        standardised = self.whole.logistic.standardised(design_matrix(self.whole.variant.features, features))
        each = np.cumsum(self.whole.boosting.trees.each(standardised), axis=1)
        shift = np.column_stack([np.zeros(len(features)), each])[:, list(self.rounds)]
        return self.whole.logistic.log_odds(standardised)[:, None, :] + shift[:, :, None]

    def levelled(self, log_odds: Floats) -> Floats:
        """(n, m) log-odds at today's level, of (n, s, m) staged ones."""
        return np.asarray(log_odds[:, self.chosen] + self.level)

    def curve(self, features: Floats) -> Floats:
        """(n, m) the chosen model's curves."""
        return self.model.curve(features)


@dataclass(frozen=True, slots=True)
class CurveEstimator:
    """Fits the curve of one variant; an `Estimator` for `walk_forward`."""

    variant: Variant
    recipe: Recipe

    def fit(self, rows: TrainingRows, calibrate_on: Predictions | None = None) -> CurveModel:
        """Fit on all complete rows; out-of-sample predictions choose the number of trees, and calibrate.

        Parameters
        ----------
        calibrate_on : default: no trees and no calibration
        """
        return self.calibrate(self.fit_uncalibrated(rows.take(learnable(rows, self.variant))), calibrate_on).model

    @single_threaded
    def fit_uncalibrated(self, rows: TrainingRows) -> StagedModel:
        """Fit on rows that are complete for the variant or, for a correction, for the variant that it corrects."""
        recipe, variant = self.recipe, self.variant
        weights = recipe.model_recency.weights(rows.sessions)
        base = variant.base
        design = design_matrix(base.features, rows.of_variant(base))
        logistic = fit_logistic(
            design, rows.labels, weights, recipe.penalty_per_column * design.shape[1], recipe.clip_deviations
        )
        columns = logistic.standardised(design)
        log_odds = logistic.log_odds(columns)
        trees = fit_session_trees(columns, log_odds, rows.labels, weights, recipe.boosting, recipe.seed)
        if variant.corrects is not None:
            logistic = self._corrected(logistic, log_odds, rows, weights)
        whole = CurveModel(variant, MULTIPLIERS, logistic, SessionTrees(trees), IDENTITY)
        return StagedModel(whole, recipe.boosting.rounds)

    def calibrate(self, model: StagedModel, predictions: Predictions | None) -> StagedModel:
        """The same model with the trees, the level and the calibrator that earlier predictions give.

        Unchanged without any. The calibrator is fitted on log-odds at the level known when they were predicted.
        """
        if predictions is None:
            return model
        rows, chosen, recipe = predictions.rows, best_stage(predictions), self.recipe
        raw = predictions.log_odds[:, chosen]
        level = 0.0 if recipe.level is None else fit_level(rows.sessions, raw, rows.labels, recipe.level)
        weights = recipe.model_recency.weights(rows.sessions)
        fitted = CALIBRATORS[recipe.calibrator](predictions.levelled, rows.labels, weights, recipe)
        calibrator = PiecewiseLinearCalibrator(fitted.raw - level, fitted.calibrated)
        return replace(model, whole=replace(model.whole, calibrator=calibrator), chosen=chosen, level=level)

    def _corrected(self, start: Logistic, log_odds: Floats, rows: TrainingRows, weights: Floats) -> Logistic:
        """The start with more columns, whose slopes are drawn to nothing; fitted where those columns are known."""
        more, known = self.variant.added, rows.complete(self.variant)
        design = design_matrix(more, rows.take(known).of_features(more))
        mean, scale = design.mean(axis=0), design.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        columns = np.clip((design - mean) / scale, -start.clip, start.clip)
        slope, _ = newton(
            columns, rows.labels[known], weights[known], self.recipe.correction_penalty, offset=log_odds[known]
        )
        return Logistic(
            np.concatenate([start.mean, mean]),
            np.concatenate([start.scale, scale]),
            np.concatenate([start.slope, slope]),
            start.intercept,
            start.clip,
        )


def learnable(rows: TrainingRows, variant: Variant) -> Flags:
    """(n,) the rows that a variant can be fitted on: for a correction, those of the variant that it corrects."""
    return rows.complete(variant.base)


def best_stage(predictions: Predictions) -> int:
    """The stage with the lowest log loss out of sample, if it gains a standard error on the first; else the first."""
    losses = session_losses(predictions.log_odds, predictions.rows.labels)
    best = int(losses.mean(axis=0).argmin())
    return best if t_statistic(losses[:, 0] - losses[:, best]) >= TREES_EARNED_T else 0


def session_losses(log_odds: Floats, labels: Floats) -> Floats:
    """(n, s) log loss of each session, of (n, s, m) log-odds and (n, m) labels: the mean over its known labels."""
    known = labels[:, None, :]
    signed = np.where(known == 1.0, -log_odds, log_odds)
    return np.asarray(np.nanmean(np.where(np.isnan(known), np.nan, np.logaddexp(0, signed)), axis=2))


def walk_variant(
    rows: TrainingRows,
    variant: Variant,
    gap_sessions: int,
    recipe: Recipe,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Walk[StagedModel]:
    """Walk one variant forward, as the recipe says; a correction is tested where its own features are known.

    Raises
    ------
    TrainingRefusedError
        If there are too few sessions or losses, or none to test on.
    """
    require_enough(rows.take(rows.complete(variant)), variant, recipe)
    kept = rows.take(learnable(rows, variant))
    known = kept.complete(variant)
    splits = [
        Split(split.train, test)
        for split in recipe.walk_forward.splits(kept.sessions, gap_sessions)
        if len(test := split.test[known[split.test]]) and (variant.corrects is None or known[split.train].any())
    ]
    if not splits:
        raise TrainingRefusedError(f"too few sessions to test variant {variant.name}: {len(kept)} can be learned from")
    return walk_forward(CurveEstimator(variant, recipe), kept, splits, gap_sessions, jobs=jobs, progress=progress)


def require_enough(rows: TrainingRows, variant: Variant, recipe: Recipe) -> None:
    """Refuse to train on too few sessions or losses.

    Raises
    ------
    TrainingRefusedError
    """
    fewest, losses = recipe.min_sessions, recipe.min_losses
    if variant.corrects is not None:
        fewest, losses = recipe.min_correction_sessions, recipe.min_correction_losses
    if len(rows) < fewest:
        raise TrainingRefusedError(
            f"too few sessions to train variant {variant.name}: {len(rows)} complete ones, {fewest} are needed"
        )
    if rows.losses() < losses:
        raise TrainingRefusedError(
            f"too few breaches to train variant {variant.name}: {rows.losses()} at multiplier 1.0, {losses} are needed"
        )
