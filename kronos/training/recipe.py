"""Every choice in training, in one place. `docs/model-card.md` says how each was made."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kronos.market.history import Floats
from kronos.market.sessions import Days
from kronos.training.walk_forward import WalkForward

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Recency:
    """A session that is one half-life older counts half as much.

    The half-life is `years`, or `share_of_span` of the whole window if that is longer. With a fixed half-life, a longer
    history would add nothing beyond its last few half-lives.
    """

    years: float
    share_of_span: float

    def weights(self, sessions: Days) -> Floats:
        """(n,) weights of sessions in time order, 1 for the newest."""
        age_years = (sessions[-1] - sessions).astype(np.float64) / DAYS_PER_YEAR
        return np.asarray(0.5 ** (age_years / max(self.years, self.share_of_span * age_years[0])))


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters, the same for all variants and both kinds of entry.

    Attributes
    ----------
    logistic_c : inverse penalty of the logistic regression, with rows weighted so that each session counts once
    clip_deviations : columns are clipped this many standard deviations from their mean
    boosting_rounds, learning_rate, max_leaves, min_rows_in_leaf, l2, columns_share : of the boosted trees
    model_recency, calibrator_recency : how quickly older sessions lose weight
    calibrator : a name in `calibrate.CALIBRATORS`
    shrinkage_sessions : the calibrator is shrunk to the identity as if this many more sessions had confirmed it
    end_block_sessions : sessions at the model's own probability that are added to each isotonic block
    calibration_bins : number of equal-count bins that isotonic regression works on
    min_sessions, min_losses : training is refused with fewer
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
