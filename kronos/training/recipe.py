"""Every choice in training, in one place. `docs/model-card.md` says how each was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from kronos.condor.spec import Entry
from kronos.market.history import Floats
from kronos.market.sessions import Days
from kronos.training.boosting import BoostingRecipe
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
class Level:
    """How the model follows the level of win rates: one shift of all log-odds, beyond what chance explains.

    Attributes
    ----------
    half_life_years : a session that is this much older counts half as much
    standard_errors : the shift is drawn to nothing by so many, so that a level that has not moved is left alone
    """

    half_life_years: float = 1.0
    standard_errors: float = 1.5


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters.

    Attributes
    ----------
    penalty_per_column : of the logistic regression's squared slopes, in sessions for each of its columns
    correction_penalty : of the squared slopes that a correction adds, in sessions
    clip_deviations : columns are clipped this many standard deviations from their mean
    boosting : the trees on top
    model_recency : how quickly older sessions lose weight, in the fit and in the calibrator
    level : how recent sessions shift all log-odds before calibration; None: not at all
    calibrator : a name in `calibrate.CALIBRATORS`
    shrinkage_sessions : the calibrator is shrunk to the identity as if this many more sessions had confirmed it
    end_block_sessions : sessions at the model's own probability that are added to each isotonic block
    calibration_bins : number of equal-count bins that isotonic regression works on
    min_sessions, min_losses : training is refused with fewer
    min_correction_sessions, min_correction_losses : a variant that corrects a poorer one is left out with fewer
    """

    penalty_per_column: float = 3.5
    correction_penalty: float = 200.0
    clip_deviations: float = 3.0
    boosting: BoostingRecipe = field(default_factory=BoostingRecipe)
    model_recency: Recency = Recency(8.0, 1 / 2)
    level: Level | None = Level()
    calibrator: str = "isotonic"
    shrinkage_sessions: float = 1000.0
    end_block_sessions: float = 2.0
    calibration_bins: int = 200
    min_sessions: int = 500
    min_losses: int = 30
    min_correction_sessions: int = 250
    min_correction_losses: int = 15
    seed: int = 0
    walk_forward: WalkForward = field(default_factory=WalkForward)


DEFAULT_RECIPES: Final[Mapping[Entry, Recipe]] = {"open": Recipe(), "close": Recipe(level=None)}
"""By kind of entry. VIX speaks of whole days. The open's condor lives through the session alone, whose share of a day's
movement drifts; the close's lives through whole days, where following the level only added noise."""
