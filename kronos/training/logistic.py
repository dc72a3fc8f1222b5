"""The logistic regression that every variant starts from: one slope per column, one intercept per multiplier.

A session's labels at all multipliers share its columns, so the sums over multipliers come first: a fit costs what it
would at a single multiplier. `tests/unit/kronos/test_logistic.py` holds it against scikit-learn on stacked rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kronos.condor.spec import MULTIPLIERS
from kronos.market.history import Floats
from kronos.model.curve import Logistic
from kronos.model.log_odds import expit

STEPS: Final = 50
SMALLEST_STEP: Final = 1e-10
NO_SPREAD: Final = 1e-12
RIDGE_OF_INTERCEPTS: Final = 1e-6
"""Keeps a step finite where every label is a win; too small to matter elsewhere."""


def intercept_columns() -> Floats:
    """(multipliers, 3) columns of the intercepts: a + b log m + c log^2 m."""
    log_multiplier = np.log(MULTIPLIERS)
    return np.column_stack([np.ones_like(log_multiplier), log_multiplier, log_multiplier**2])


def fit_logistic(design: Floats, labels: Floats, weights: Floats, penalty: float, clip: float) -> Logistic:
    """Fit by Newton's method.

    Parameters
    ----------
    design : (n, c) columns as the model sees them
    labels : (n, multipliers), NaN where unknown
    weights : (n,) of the sessions; each label gets its session's weight divided by the number of multipliers
    penalty : of the squared slopes, in sessions of weight 1; the intercepts are not penalised
    clip : columns are clipped at this many standard deviations
    """
    mean, spread = design.mean(axis=0), design.std(axis=0)
    scale = np.where(spread > NO_SPREAD, spread, 1.0)
    blank = Logistic(mean, scale, np.zeros(design.shape[1]), np.zeros(len(MULTIPLIERS)), clip)
    slope, intercept = newton(blank.standardised(design), labels, weights, penalty)
    return Logistic(mean, scale, slope, intercept, clip)


def newton(
    columns: Floats, labels: Floats, weights: Floats, penalty: float, offset: Floats | None = None
) -> tuple[Floats, Floats]:
    """(c,) slopes and (multipliers,) intercepts that minimise the penalised log loss.

    Parameters
    ----------
    columns : (n, c) standardised
    offset : (n, multipliers) log-odds to add the columns to, without intercepts; the rest as for `fit_logistic`
    """
    across, count = intercept_columns(), columns.shape[1]
    if offset is None:
        offset = np.zeros(labels.shape)
    else:
        across = across[:, :0]
    own = across.shape[1]
    share = np.where(np.isnan(labels), 0.0, (weights / labels.shape[1])[:, None])
    won = np.nan_to_num(labels)
    ridge = np.concatenate([np.full(own, RIDGE_OF_INTERCEPTS), np.full(count, penalty)])
    parameters = np.zeros(own + count)

    def log_odds(at: Floats) -> Floats:
        return np.asarray(offset + (columns @ at[own:])[:, None] + across @ at[:own])

    def loss(at: Floats) -> float:
        z = log_odds(at)
        return float((share * (np.logaddexp(0, z) - won * z)).sum() + ridge @ at**2 / 2)

    before = loss(parameters)
    for _ in range(STEPS):
        probability = expit(log_odds(parameters))
        residual, curvature = share * (probability - won), share * probability * (1 - probability)
        gradient = np.concatenate([residual.sum(axis=0) @ across, columns.T @ residual.sum(axis=1)])
        hessian = np.diag(ridge)
        hessian[:own, :own] += across.T @ (curvature.sum(axis=0)[:, None] * across)
        hessian[:own, own:] += (curvature @ across).T @ columns
        hessian[own:, :own] = hessian[:own, own:].T
        hessian[own:, own:] += columns.T @ (curvature.sum(axis=1)[:, None] * columns)
        step = np.linalg.solve(hessian, gradient + ridge * parameters)
        after = loss(parameters - step)
        while after > before and np.abs(step).max() > SMALLEST_STEP:
            step = step / 2
            after = loss(parameters - step)
        parameters, before = parameters - step, after
        if np.abs(step).max() <= SMALLEST_STEP:
            break
    return parameters[own:], across @ parameters[:own]
