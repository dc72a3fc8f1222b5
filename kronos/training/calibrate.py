"""Fit the calibrator: isotonic regression with smoothed blocks, on out-of-fold log-odds."""

from __future__ import annotations

import numpy as np
from sklearn.isotonic import IsotonicRegression

from kronos.curve import IsotonicSteps
from kronos.market import Floats
from kronos.sessions import Days
from kronos.training.recipe import Recipe

MIN_ROWS_PER_BIN = 20


def fit_calibrator(sessions: Days, log_odds: Floats, labels: Floats, recipe: Recipe) -> IsotonicSteps:
    """Fit on sessions whose log-odds were made out of fold.

    Parameters
    ----------
    sessions : (n,) in order of time
    log_odds, labels : (n, multipliers)

    Notes
    -----
    Labels are drawn towards the model's own probability as if `shrinkage_sessions` had agreed with it, so that
    little evidence changes little. Every block also holds `end_block_sessions` at the model's own probability,
    so that none is 0 or 1.
    """
    multipliers = log_odds.shape[1]
    weight = recipe.calibrator_recency.weights(sessions)
    effective = weight.sum() ** 2 / (weight**2).sum()
    shrinkage = recipe.shrinkage_sessions / (recipe.shrinkage_sessions + effective)
    known = ~np.isnan(labels.ravel())
    raw = log_odds.ravel()[known]
    target = (1 - shrinkage) * labels.ravel()[known] + shrinkage * _expit(raw)
    knots, values, weights = _binned(raw, target, np.repeat(weight / multipliers, multipliers)[known], recipe)
    risen = IsotonicRegression().fit(knots, values, sample_weight=weights).predict(knots)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(risen) > 1e-12]))
    block_weight = np.add.reduceat(weights, starts)
    block_raw = np.add.reduceat(weights * knots, starts) / block_weight
    own = recipe.end_block_sessions
    smoothed = (block_weight * risen[starts] + own * _expit(block_raw)) / (block_weight + own)
    # Means of equal values may fall by a rounding; weighted smoothing may fall by more.
    block_raw, smoothed = np.maximum.accumulate(block_raw), np.maximum.accumulate(smoothed)
    return IsotonicSteps(block_raw, np.log(smoothed / (1 - smoothed)))


def identity_calibrator() -> IsotonicSteps:
    """Changes nothing between the log-odds that can occur."""
    return IsotonicSteps(np.array([-20.0, 20.0]), np.array([-20.0, 20.0]))


def _binned(raw: Floats, target: Floats, weight: Floats, recipe: Recipe) -> tuple[Floats, Floats, Floats]:
    """Mean log-odds, mean target and weight of bins of equal count, ascending."""
    order = np.argsort(raw, kind="stable")
    count = min(recipe.calibration_bins, max(5, len(raw) // MIN_ROWS_PER_BIN))
    starts = np.array([chosen[0] for chosen in np.array_split(np.arange(len(raw)), count) if len(chosen)])
    weights = np.add.reduceat(weight[order], starts)
    knots = np.add.reduceat((weight * raw)[order], starts) / weights
    values = np.add.reduceat((weight * target)[order], starts) / weights
    return knots, values, weights


def _expit(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)))
