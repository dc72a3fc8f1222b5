"""Fit the calibrator: isotonic regression on out-of-fold log-odds, with smoothed blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.isotonic import IsotonicRegression

from kronos.market.history import Floats
from kronos.market.sessions import Days
from kronos.model.curve import PiecewiseLinearCalibrator
from kronos.model.log_odds import expit
from kronos.training.recipe import Recipe

MIN_ROWS_PER_BIN = 20
FEWEST_BINS = 5
SAME_BLOCK = 1e-12


def fit_isotonic(sessions: Days, log_odds: Floats, labels: Floats, recipe: Recipe) -> PiecewiseLinearCalibrator:
    """Fit on sessions whose log-odds were predicted out of fold.

    Parameters
    ----------
    sessions : (n,) in time order
    log_odds, labels : (n, multipliers)

    Notes
    -----
    Labels are shrunk towards the model's own probability as if `shrinkage_sessions` more sessions had confirmed it, so
    that little evidence changes little. Each block is also averaged with `end_block_sessions` at the model's own
    probability, so that no block is exactly 0 or 1.
    """
    multipliers = log_odds.shape[1]
    weight = recipe.calibrator_recency.weights(sessions)
    # Older sessions weigh less, so they add less evidence than their number suggests. Kish's effective sample size
    # (1965) is the number of equally weighted sessions that would carry as much.
    effective = weight.sum() ** 2 / (weight**2).sum()
    shrinkage = recipe.shrinkage_sessions / (recipe.shrinkage_sessions + effective)
    known = ~np.isnan(labels.ravel())
    raw = log_odds.ravel()[known]
    target = (1 - shrinkage) * labels.ravel()[known] + shrinkage * expit(raw)
    # One settlement decides the labels at all multipliers of a session, so together they count as one observation.
    knots, values, weights = _binned(raw, target, np.repeat(weight / multipliers, multipliers)[known], recipe)
    risen = IsotonicRegression().fit(knots, values, sample_weight=weights).predict(knots)
    # Isotonic regression returns blocks of equal value. A block that holds only wins would get probability 1, and a
    # single loss there would cost an infinite log loss. So each block is averaged with the model's own probability:
    # the m-estimate that Zadrozny and Elkan (2001) use for the leaves of decision trees.
    starts = np.flatnonzero(np.concatenate([[True], np.diff(risen) > SAME_BLOCK]))
    block_weight = np.add.reduceat(weights, starts)
    block_raw = np.add.reduceat(weights * knots, starts) / block_weight
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


FitCalibrator = Callable[[Days, Floats, Floats, Recipe], PiecewiseLinearCalibrator]
CALIBRATORS: dict[str, FitCalibrator] = {"isotonic": fit_isotonic}
"""Calibrators by their name in a recipe. Each is fitted on sessions (n,), log-odds and labels (n, multipliers)."""
