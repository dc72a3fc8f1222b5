"""Fit one variant before calibration: a logistic regression, then trees that see its log-odds.

Each fit is single-threaded: on busy cores OpenMP's waiting threads make it many times slower, and folds run in
parallel processes anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from kronos.curve import GRID, Logistic, Trees, design_matrix, tree_columns
from kronos.features import Variant
from kronos.market import Floats
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows

Fit = TypeVar("Fit", bound=Callable[..., object])

INTERCEPT_SCALE = 10.0
MULTIPLIER_CENTRE = 1.1
MULTIPLIER_SPREAD = 0.316
MAX_BINS = 255


def single_threaded(fit: Fit) -> Fit:
    """Keep OpenMP and BLAS to one thread while fitting."""
    wrapped: Fit = threadpool_limits.wrap(limits=1)(fit)
    return wrapped


@single_threaded
def fit_logistic(rows: TrainingRows, variant: Variant, recipe: Recipe) -> Logistic:
    """Fit on stacked rows (session x multiplier); the multiplier enters as a parabola, all but unpenalised.

    Parameters
    ----------
    rows : complete for the variant
    """
    design = design_matrix(variant, rows.for_variant(variant))
    mean, spread = design.mean(axis=0), design.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    columns = design.shape[1]
    blank = Logistic(mean, scale, np.zeros(columns), np.zeros(len(GRID)), recipe.clip_deviations)
    standardised = blank.standardised(design)
    parabola = _parabola()
    stacked = np.column_stack(
        [np.tile(parabola, (len(rows), 1)), np.repeat(standardised, len(GRID), axis=0)],
    )
    regression = LogisticRegression(C=recipe.logistic_c, solver="newton-cholesky", max_iter=50)
    labels, weights, known = _stacked_labels(rows, recipe)
    regression.fit(stacked[known], labels, sample_weight=weights / len(GRID))
    coefficients = regression.coef_[0]
    intercept = regression.intercept_[0] + parabola @ coefficients[:2]
    return Logistic(mean, scale, coefficients[2:], intercept, recipe.clip_deviations)


@single_threaded
def fit_trees(rows: TrainingRows, variant: Variant, logistic: Logistic, recipe: Recipe) -> Trees:
    """Boost on stacked rows; the trees may not decrease in the multiplier nor in the logistic's log-odds."""
    columns = tree_columns(logistic, design_matrix(variant, rows.for_variant(variant)))
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
    """scikit-learn's trees as flat arrays that give the same log-odds."""
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
    """Columns cut into bins of equal count, each value replaced by its bin's mean.

    scikit-learn would find weighted bins itself, one sort a threshold: most of the time of a fit.
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


def _stacked_labels(rows: TrainingRows, recipe: Recipe) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Known labels, session by session, their weights, and which of the stacked rows they belong to."""
    labels = rows.labels.ravel()
    known = ~np.isnan(labels)
    weights = np.repeat(recipe.model_recency.weights(rows.sessions), len(GRID))
    return labels[known], weights[known], known


def _parabola() -> Floats:
    """(multipliers, 2) scaled up, so that the penalty hardly touches the intercepts."""
    centred = (GRID - MULTIPLIER_CENTRE) / MULTIPLIER_SPREAD
    return np.asarray(INTERCEPT_SCALE * np.column_stack([centred, centred**2]))
