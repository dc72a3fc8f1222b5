"""The guide's own recipe, a reference that is walked forward over the same folds as our model.

The other references need no code here: climatology comes with every walk, and our model contains the logistic
regression.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression

from kronos.condor.spec import DEFAULT_COLUMN
from kronos.features.variants import MARKET, Variant
from kronos.market.history import Floats
from kronos.model.log_odds import expit
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Predictions

GUIDE_TREES = 150
GUIDE_DEPTH = 4
GUIDE_LEARNING_RATE = 0.1
LOWEST_PROBABILITY = 1e-3


@dataclass(frozen=True, eq=False)
class GuideModel:
    """The guide's classifier for the default multiplier, with its isotonic regression once it is calibrated."""

    booster: GradientBoostingClassifier
    isotonic: IsotonicRegression | None = None

    def staged_log_odds(self, features: Floats) -> Floats:
        """(n, 1, 1) log-odds of the classifier alone."""
        return np.asarray(self.booster.decision_function(features)[:, None, None])

    def levelled(self, log_odds: Floats) -> Floats:
        """(n, 1) the same."""
        return np.asarray(log_odds[:, 0])

    def curve(self, features: Floats) -> Floats:
        """(n, 1) probabilities, kept away from 0 and 1, where log loss can be infinite."""
        raw = expit(self.staged_log_odds(features)[:, 0, 0])
        calibrated = raw if self.isotonic is None else self.isotonic.predict(raw)
        return np.clip(calibrated, LOWEST_PROBABILITY, 1 - LOWEST_PROBABILITY)[:, None]


@dataclass(frozen=True, slots=True)
class GuideEstimator:
    """The guide's recipe: gradient boosting with 150 trees of depth 4, learning rate 0.1, 7 features, isotonic."""

    seed: int
    variant: Variant = MARKET

    def fit_uncalibrated(self, rows: TrainingRows) -> GuideModel:
        """Fit on the default multiplier's labels."""
        booster = GradientBoostingClassifier(
            n_estimators=GUIDE_TREES, max_depth=GUIDE_DEPTH, learning_rate=GUIDE_LEARNING_RATE, random_state=self.seed
        )
        return GuideModel(booster.fit(rows.of_variant(self.variant), rows.labels[:, DEFAULT_COLUMN]))

    def calibrate(self, model: GuideModel, predictions: Predictions | None) -> GuideModel:
        """Fit isotonic regression on the earlier folds' probabilities."""
        if predictions is None:
            return model
        raw = expit(predictions.log_odds[:, 0, 0])
        isotonic = IsotonicRegression(out_of_bounds="clip")
        return replace(model, isotonic=isotonic.fit(raw, predictions.rows.labels[:, DEFAULT_COLUMN]))
