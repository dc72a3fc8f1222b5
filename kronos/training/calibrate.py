"""Fit the calibrator: isotonic regression with smoothed blocks, on out-of-fold log-odds."""

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
    # Kish's effective sample size (1965): how many equally weighted sessions would know as much as these.
    effective = weight.sum() ** 2 / (weight**2).sum()
    shrinkage = recipe.shrinkage_sessions / (recipe.shrinkage_sessions + effective)
    known = ~np.isnan(labels.ravel())
    raw = log_odds.ravel()[known]
    target = (1 - shrinkage) * labels.ravel()[known] + shrinkage * expit(raw)
    # One settlement decides all multipliers of a session, so together they weigh as one session.
    knots, values, weights = _binned(raw, target, np.repeat(weight / multipliers, multipliers)[known], recipe)
    risen = IsotonicRegression().fit(knots, values, sample_weight=weights).predict(knots)
    # Isotonic regression gives blocks of one value each. A block of wins alone would be a probability of 1, for which
    # one loss costs infinitely much: each block is drawn towards what the model itself says (Zadrozny and Elkan 2002).
    starts = np.flatnonzero(np.concatenate([[True], np.diff(risen) > SAME_BLOCK]))
    block_weight = np.add.reduceat(weights, starts)
    block_raw = np.add.reduceat(weights * knots, starts) / block_weight
    own = recipe.end_block_sessions
    smoothed = (block_weight * risen[starts] + own * expit(block_raw)) / (block_weight + own)
    # The smoothing draws small blocks further than large ones, so that what rose may fall again: it is not let to.
    block_raw, smoothed = np.maximum.accumulate(block_raw), np.maximum.accumulate(smoothed)
    return PiecewiseLinearCalibrator(block_raw, np.log(smoothed / (1 - smoothed)))


def _binned(raw: Floats, target: Floats, weight: Floats, recipe: Recipe) -> tuple[Floats, Floats, Floats]:
    """Mean log-odds, mean target and weight of bins of equal count, ascending."""
    order = np.argsort(raw, kind="stable")
    count = min(recipe.calibration_bins, max(FEWEST_BINS, len(raw) // MIN_ROWS_PER_BIN))
    starts = np.array([chosen[0] for chosen in np.array_split(np.arange(len(raw)), count) if len(chosen)])
    weights = np.add.reduceat(weight[order], starts)
    knots = np.add.reduceat((weight * raw)[order], starts) / weights
    values = np.add.reduceat((weight * target)[order], starts) / weights
    return knots, values, weights


FitCalibrator = Callable[[Days, Floats, Floats, Recipe], PiecewiseLinearCalibrator]
CALIBRATORS: dict[str, FitCalibrator] = {"isotonic": fit_isotonic}
"""By the name that a recipe gives: of sessions (n,), log-odds and labels (n, multipliers), and the recipe."""
