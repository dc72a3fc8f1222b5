"""Fit the calibrator on out-of-fold log-odds: first their level, then isotonic regression with smoothed blocks."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from sklearn.isotonic import IsotonicRegression

from kronos.market.history import Floats
from kronos.market.sessions import Days
from kronos.model.curve import PiecewiseLinearCalibrator
from kronos.model.log_odds import expit
from kronos.training.recipe import Level, Recency, Recipe

MIN_ROWS_PER_BIN = 20
FEWEST_BINS = 5
SAME_BLOCK = 1e-12
LEVEL_PRIOR = 1.0
"""Sessions that have seen no shift, so that a stretch of wins alone gives a finite one."""
LEVEL_STEPS = 8
"""Newton's method on one number; more steps change nothing."""


def fit_level(sessions: Days, log_odds: Floats, labels: Floats, level: Level) -> float:
    """The shift of all log-odds that recent sessions ask for, beyond what chance explains.

    Parameters
    ----------
    sessions : (n,) in time order
    log_odds, labels : (n, multipliers), NaN for labels that are not known

    Notes
    -----
    Win rates drift, and a model of many years follows late: 0.83 of the sessions won in 1993-2008, 0.91 after. The
    shift is estimated by likelihood, with a session's labels as one observation, and thresholded (Donoho 1995).
    """
    weight = Recency(level.half_life_years, 0.0).weights(sessions)
    share = np.where(np.isnan(labels), 0.0, (weight / labels.shape[1])[:, None])
    won, shift, spread = np.nan_to_num(labels), 0.0, np.inf
    for _ in range(LEVEL_STEPS):
        probability = expit(log_odds + shift)
        residual = share * (won - probability)
        curvature = float((share * probability * (1 - probability)).sum()) + LEVEL_PRIOR
        shift += (float(residual.sum()) - LEVEL_PRIOR * shift) / curvature
        spread = math.sqrt(float((residual.sum(axis=1) ** 2).sum())) / curvature
    return math.copysign(max(abs(shift) - level.standard_errors * spread, 0.0), shift)


def fit_isotonic(log_odds: Floats, labels: Floats, weights: Floats, recipe: Recipe) -> PiecewiseLinearCalibrator:
    """Fit on sessions whose log-odds were predicted out of fold.

    Parameters
    ----------
    log_odds, labels : (n, multipliers)
    weights : (n,) of the sessions

    Notes
    -----
    Labels are shrunk towards the model's own probability as if `shrinkage_sessions` more sessions had confirmed it, so
    that little evidence changes little. Each block is also averaged with `end_block_sessions` at the model's own
    probability, so that no block is exactly 0 or 1.
    """
    known = ~np.isnan(labels.ravel())
    # One settlement decides the labels at all multipliers of a session, so together they count as one observation.
    weight = np.repeat(weights / log_odds.shape[1], log_odds.shape[1])[known]
    shrinkage = recipe.shrinkage_sessions / (recipe.shrinkage_sessions + weight.sum())
    raw = log_odds.ravel()[known]
    target = (1 - shrinkage) * labels.ravel()[known] + shrinkage * expit(raw)
    knots, values, bin_weight = _binned(raw, target, weight, recipe)
    risen = IsotonicRegression().fit(knots, values, sample_weight=bin_weight).predict(knots)
    # Isotonic regression returns blocks of equal value. A block that holds only wins would get probability 1, and a
    # single loss there would cost an infinite log loss. So each block is averaged with the model's own probability:
    # the m-estimate that Zadrozny and Elkan (2001) use for the leaves of decision trees.
    starts = np.flatnonzero(np.concatenate([[True], np.diff(risen) > SAME_BLOCK]))
    block_weight = np.add.reduceat(bin_weight, starts)
    block_raw = np.add.reduceat(bin_weight * knots, starts) / block_weight
    own = recipe.end_block_sessions
    smoothed = (block_weight * risen[starts] + own * expit(block_raw)) / (block_weight + own)
    # Smoothing moves small blocks further than large ones, which can undo the ascending order; this restores it.
    block_raw, smoothed = np.maximum.accumulate(block_raw), np.maximum.accumulate(smoothed)
    return PiecewiseLinearCalibrator(block_raw, np.log(smoothed / (1 - smoothed)))


def _binned(raw: Floats, target: Floats, weight: Floats, recipe: Recipe) -> tuple[Floats, Floats, Floats]:
    """Mean log-odds, mean target and weight of equal-count bins, in ascending order."""
    order = np.argsort(raw, kind="stable")
    count = min(recipe.calibration_bins, max(FEWEST_BINS, len(raw) // MIN_ROWS_PER_BIN))
    starts = np.array([chosen[0] for chosen in np.array_split(np.arange(len(raw)), count) if len(chosen)])
    weights = np.add.reduceat(weight[order], starts)
    knots = np.add.reduceat((weight * raw)[order], starts) / weights
    values = np.add.reduceat((weight * target)[order], starts) / weights
    return knots, values, weights


FitCalibrator = Callable[[Floats, Floats, Floats, Recipe], PiecewiseLinearCalibrator]
CALIBRATORS: dict[str, FitCalibrator] = {"isotonic": fit_isotonic}
"""Calibrators by their name in a recipe. Each is fitted on log-odds and labels (n, multipliers), and weights (n,)."""
