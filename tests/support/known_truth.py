"""Synthetic markets whose true probability is known, and how far a model trained on one is from it."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from kronos.condor.entry import PriceSource
from kronos.condor.spec import SD_MULTIPLIERS
from kronos.features.variants import MINIMAL
from kronos.market.history import Floats
from kronos.training.estimator import CurveEstimator, walk_variant
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import WalkForward

NEW_SESSIONS = 1_000
FIRST_DAY = np.datetime64("1960-01-04")


def synthetic_market(sessions: int, seed: int) -> tuple[TrainingRows, Floats]:
    """Rows of the minimal variant and their true probabilities at each multiplier.

    The move is normal; its standard deviation over the expected move depends on VIX and the weekday.
    """
    rng = np.random.default_rng(seed)
    days = np.busday_offset(FIRST_DAY, np.arange(sessions))
    log_vix = np.full(sessions, np.log(18.0))
    for at in range(1, sessions):
        log_vix[at] = np.log(18.0) + 0.96 * (log_vix[at - 1] - np.log(18.0)) + 0.1 * rng.normal()
    vix = np.exp(log_vix)
    weekday = (days.astype(np.int64) + 3) % 7
    deviation_in_em = 0.55 + 0.35 / (1 + np.exp(-(log_vix - np.log(20.0)) / 0.2)) + 0.08 * (weekday == 4)
    grid = np.array(SD_MULTIPLIERS)
    truth = 2 * ndtr(grid / deviation_in_em[:, None]) - 1
    moved = np.abs(rng.normal(size=sessions)) * deviation_in_em
    features = np.column_stack([vix, weekday, vix / np.sqrt(252)])
    labels = (moved[:, None] <= grid).astype(float)
    given = np.full(sessions, PriceSource.GIVEN, dtype=np.int32)
    return TrainingRows(MINIMAL.features, days, np.full(sessions, 100.0), vix, given, features, labels), truth


def mean_absolute_error(sessions: int, seed: int) -> float:
    """Of the model trained on so many sessions, on sessions that follow them."""
    rows, truth = synthetic_market(sessions + NEW_SESSIONS, seed)
    known, new = rows.take(slice(0, sessions)), rows.take(slice(sessions, None))
    recipe = Recipe(walk_forward=WalkForward(min_train_sessions=sessions // 4, fold_sessions=sessions // 4))
    tested = walk_variant(known, MINIMAL, 1, recipe).predictions
    curve = CurveEstimator(MINIMAL, recipe).fit(known, tested).curve(new.of_variant(MINIMAL))
    return float(np.abs(curve - truth[sessions:]).mean())
