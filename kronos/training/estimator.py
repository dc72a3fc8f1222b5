"""The estimator of one variant: a logistic regression, boosted trees that see its log-odds, and a calibrator.

Each fit uses a single thread: on busy cores OpenMP's waiting threads make it many times slower, and folds run in
parallel processes anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from kronos.condor.spec import MULTIPLIERS
from kronos.errors import TrainingRefusedError
from kronos.features.variants import Variant
from kronos.market.history import Flags, Floats
from kronos.model.curve import CurveModel, Logistic, PiecewiseLinearCalibrator, Trees, design_matrix, tree_columns
from kronos.progress import Progress
from kronos.training.calibrate import CALIBRATORS
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Predictions, Walk, walk_forward

Fit = TypeVar("Fit", bound=Callable[..., object])

INTERCEPT_SCALE = 10.0
MULTIPLIER_CENTRE = 1.1
MULTIPLIER_SPREAD = 0.316
MAX_BINS = 255
IDENTITY: Final = PiecewiseLinearCalibrator(np.array([-20.0, 20.0]), np.array([-20.0, 20.0]))
"""Leaves all log-odds that can occur unchanged."""


@dataclass(frozen=True, slots=True)
class CurveEstimator:
    """Fits the curve of one variant; an `Estimator` for `walk_forward`."""

    variant: Variant
    recipe: Recipe

    def fit(self, rows: TrainingRows, calibrate_on: Predictions | None = None) -> CurveModel:
        """Fit on all complete rows, and calibrate on out-of-sample predictions.

        Parameters
        ----------
        calibrate_on : default: no calibration
        """
        return self.calibrate(self.fit_uncalibrated(rows.take(rows.complete(self.variant))), calibrate_on)

    def fit_uncalibrated(self, rows: TrainingRows) -> CurveModel:
        """Fit on rows that are complete for the variant."""
        features = rows.of_variant(self.variant)
        design = design_matrix(self.variant.features, features)
        logistic = fit_logistic(design, rows, self.recipe)
        return CurveModel(self.variant, MULTIPLIERS, logistic, fit_trees(design, rows, logistic, self.recipe), IDENTITY)

    def calibrate(self, model: CurveModel, predictions: Predictions | None) -> CurveModel:
        """The same model with the recipe's calibrator, fitted on earlier predictions; unchanged if there are none."""
        if predictions is None:
            return model
        rows = predictions.rows
        fit = CALIBRATORS[self.recipe.calibrator]
        return replace(model, calibrator=fit(rows.sessions, predictions.log_odds, rows.labels, self.recipe))


def walk_variant(
    rows: TrainingRows,
    variant: Variant,
    gap_sessions: int,
    recipe: Recipe,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Walk[CurveModel]:
    """Walk one variant's complete rows forward, as the recipe says.

    Raises
    ------
    TrainingRefusedError
        If there are too few sessions or losses.
    """
    complete = rows.take(rows.complete(variant))
    require_enough(complete, variant.name, recipe)
    splits = recipe.walk_forward.splits(complete.sessions, gap_sessions)
    return walk_forward(CurveEstimator(variant, recipe), complete, splits, gap_sessions, jobs=jobs, progress=progress)


def require_enough(rows: TrainingRows, variant: str, recipe: Recipe) -> None:
    """Refuse to train on too few sessions or losses.

    Raises
    ------
    TrainingRefusedError
    """
    if len(rows) < recipe.min_sessions:
        raise TrainingRefusedError(
            f"too few sessions to train variant {variant}: {len(rows)} complete ones, {recipe.min_sessions} are needed"
        )
    if rows.losses() < recipe.min_losses:
        raise TrainingRefusedError(
            f"too few breaches to train variant {variant}: {rows.losses()} at multiplier 1.0, "
            f"{recipe.min_losses} are needed"
        )


def single_threaded(fit: Fit) -> Fit:
    """Keep OpenMP and BLAS to one thread while fitting."""
    wrapped: Fit = threadpool_limits.wrap(limits=1)(fit)
    return wrapped


@single_threaded
def fit_logistic(design: Floats, rows: TrainingRows, recipe: Recipe) -> Logistic:
    """Fit on stacked rows (session x multiplier); the multiplier enters as a parabola, almost unpenalised.

    Parameters
    ----------
    design : (n, c) the rows' columns as the model sees them
    """
    mean, spread = design.mean(axis=0), design.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    columns = design.shape[1]
    blank = Logistic(mean, scale, np.zeros(columns), np.zeros(len(MULTIPLIERS)), recipe.clip_deviations)
    standardised = blank.standardised(design)
    parabola = _parabola()
    stacked = np.column_stack(
        [np.tile(parabola, (len(rows), 1)), np.repeat(standardised, len(MULTIPLIERS), axis=0)],
    )
    regression = LogisticRegression(C=recipe.logistic_c, solver="newton-cholesky", max_iter=50)
    labels, weights, known = _stacked_labels(rows, recipe)
    regression.fit(stacked[known], labels, sample_weight=weights / len(MULTIPLIERS))
    coefficients = regression.coef_[0]
    intercept = regression.intercept_[0] + parabola @ coefficients[:2]
    return Logistic(mean, scale, coefficients[2:], intercept, recipe.clip_deviations)


@single_threaded
def fit_trees(design: Floats, rows: TrainingRows, logistic: Logistic, recipe: Recipe) -> Trees:
    """Boost on stacked rows. The trees may not decrease in the multiplier, nor in the logistic's log-odds."""
    columns = tree_columns(logistic, design, MULTIPLIERS)
    booster = HistGradientBoostingClassifier(
        learning_rate=recipe.learning_rate,
        max_iter=recipe.boosting_rounds,
        max_leaf_nodes=recipe.max_leaves,
        min_samples_leaf=recipe.min_rows_in_leaf,
        l2_regularization=recipe.l2,
        max_features=recipe.columns_share,
        max_bins=MAX_BINS,
        monotonic_cst=[0] * (columns.shape[1] - 2) + [1, 1],
        early_stopping=False,
        random_state=recipe.seed,
    )
    labels, weights, known = _stacked_labels(rows, recipe)
    booster.fit(_binned(columns[known]), labels, sample_weight=weights)
    return flatten(booster)


def flatten(booster: HistGradientBoostingClassifier) -> Trees:
    """Turn scikit-learn's trees into flat arrays that give the same log-odds."""
    nodes = [predictor.nodes for (predictor,) in booster._predictors]
    roots = np.cumsum([0, *(len(tree) for tree in nodes[:-1])])
    every = np.concatenate(nodes)
    own = np.arange(len(every))
    offset = np.repeat(roots, [len(tree) for tree in nodes])
    leaf = every["is_leaf"].astype(bool)
    return Trees(
        baseline=float(booster._baseline_prediction.ravel()[0]),
        roots=roots.astype(np.int32),
        column=np.where(leaf, 0, every["feature_idx"]).astype(np.int32),
        threshold=np.where(leaf, 0.0, every["num_threshold"]),
        left=np.where(leaf, own, every["left"] + offset).astype(np.int32),
        right=np.where(leaf, own, every["right"] + offset).astype(np.int32),
        value=np.where(leaf, every["value"], 0.0),
        depth=int(every["depth"].max()),
    )


def _binned(columns: Floats) -> Floats:
    """Cut columns into equal-count bins, and replace each value by the mean of its bin.

    scikit-learn would otherwise find weighted bins itself, sorting once per threshold: most of the time of a fit.
    """
    binned = np.empty_like(columns)
    for at, column in enumerate(columns.T):
        values, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        if len(values) <= MAX_BINS:
            binned[:, at] = column
            continue
        middle = np.cumsum(counts) - counts / 2
        number = np.minimum((middle * MAX_BINS / len(column)).astype(int), MAX_BINS - 1)
        sums = np.bincount(number, values * counts, MAX_BINS)
        means = sums / np.maximum(np.bincount(number, counts, MAX_BINS), 1)
        binned[:, at] = means[number][inverse]
    return binned


def _stacked_labels(rows: TrainingRows, recipe: Recipe) -> tuple[Floats, Floats, Flags]:
    """The known labels, session by session, their weights, and the stacked rows that they belong to."""
    labels = rows.labels.ravel()
    known = ~np.isnan(labels)
    weights = np.repeat(recipe.model_recency.weights(rows.sessions), len(MULTIPLIERS))
    return labels[known], weights[known], known


def _parabola() -> Floats:
    """(multipliers, 2) columns, scaled up so that the penalty hardly affects the intercepts."""
    centred = (MULTIPLIERS - MULTIPLIER_CENTRE) / MULTIPLIER_SPREAD
    return np.asarray(INTERCEPT_SCALE * np.column_stack([centred, centred**2]))
