"""Every choice of the training, in one place. `docs/model-card.md` says how each was made."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kronos.market.history import Floats
from kronos.market.sessions import Days
from kronos.training.walk_forward import WalkForward

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Recency:
    """A session that is one half-life older counts half.

    The half-life is `years`, or `share_of_span` of the window where that is longer: were it fixed, a longer history
    would teach no more than a few half-lives of it.
    """

    years: float
    share_of_span: float

    def weights(self, sessions: Days) -> Floats:
        """(n,) weights of sessions in order of time, 1 for the newest."""
        age_years = (sessions[-1] - sessions).astype(np.float64) / DAYS_PER_YEAR
        return np.asarray(0.5 ** (age_years / max(self.years, self.share_of_span * age_years[0])))


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters, equal for all variants and all kinds of entry.

    Attributes
    ----------
    logistic_c : inverse penalty of the logistic regression, rows weighted so that a session counts once
    clip_deviations : columns are cut this many standard deviations from their mean
    boosting_rounds, learning_rate, max_leaves, min_rows_in_leaf, l2, columns_share : of the boosted trees
    model_recency, calibrator_recency : how older sessions count less
    calibrator : which of `calibrate.CALIBRATORS`
    shrinkage_sessions : the calibrator is drawn to the identity as if this many sessions agreed with it
    end_block_sessions : sessions at the model's own probability added to each isotonic block
    calibration_bins : bins of equal count that isotonic regression works on
    min_sessions, min_losses : fewer are not trained on
    """

    logistic_c: float = 0.1
    clip_deviations: float = 3.0
    boosting_rounds: int = 200
    learning_rate: float = 0.03
    max_leaves: int = 4
    min_rows_in_leaf: int = 1100
    l2: float = 200.0
    columns_share: float = 0.3
    model_recency: Recency = Recency(4.0, 1 / 4)
    calibrator_recency: Recency = Recency(1.0, 1 / 16)
    calibrator: str = "isotonic"
    shrinkage_sessions: float = 400.0
    end_block_sessions: float = 2.0
    calibration_bins: int = 200
    min_sessions: int = 500
    min_losses: int = 30
    seed: int = 0
    walk_forward: WalkForward = field(default_factory=WalkForward)


DEFAULT_RECIPE = Recipe()
