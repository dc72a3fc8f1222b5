"""What every model is measured against, walked forward over the same folds: the guide's own recipe.

Climatology and the logistic regression come with `out_of_fold`, since each fold makes them anyway.
"""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression

from kronos.condor import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS
from kronos.market import Floats
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import settled_before

GUIDE_TREES = 150
GUIDE_DEPTH = 4
GUIDE_LEARNING_RATE = 0.1
LOWEST_PROBABILITY = 1e-3
AT_ONE = SD_MULTIPLIERS.index(DEFAULT_SD_MULTIPLIER)


def guide_recipe(
    rows: TrainingRows, gap_sessions: int, recipe: Recipe, *, jobs: int = 1
) -> tuple[TrainingRows, Floats]:
    """The guide's recipe: gradient boosting, 150 trees of depth 4, learning rate 0.1, 7 features, isotonic.

    Isotonic regression gives 0 and 1, for which log loss has no value: they are moved in by 0.001.

    Returns
    -------
    The predicted rows and their (n,) probabilities at multiplier 1.0.
    """
    rows = rows.take(rows.complete("market"))
    folds = recipe.walk_forward.folds(rows.sessions, gap_sessions)
    features, won = rows.for_variant("market"), rows.labels[:, AT_ONE]
    tasks = (delayed(_predict)(features[f.train], won[f.train], features[f.test], recipe.seed) for f in folds)
    raw = np.concatenate(Parallel(n_jobs=jobs)(tasks))
    tested = rows.take(np.concatenate([fold.test for fold in folds]))
    calibrated, start = [], 0
    for fold in folds:
        stop = start + len(fold.test)
        known = settled_before(tested.sessions, tested.sessions[start], gap_sessions)
        calibrated.append(_isotonic(raw[known], tested.labels[known, AT_ONE], raw[start:stop]))
        start = stop
    return tested, np.clip(np.concatenate(calibrated), LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)


def _predict(train: Floats, won: Floats, test: Floats, seed: int) -> Floats:
    booster = GradientBoostingClassifier(
        n_estimators=GUIDE_TREES, max_depth=GUIDE_DEPTH, learning_rate=GUIDE_LEARNING_RATE, random_state=seed
    )
    probabilities: Floats = booster.fit(train, won).predict_proba(test)[:, 1]
    return probabilities


def _isotonic(raw: Floats, won: Floats, new: Floats) -> Floats:
    if not len(raw):
        return new
    calibrated: Floats = IsotonicRegression(out_of_bounds="clip").fit(raw, won).predict(new)
    return calibrated
