"""How a served model has done on sessions since its training: a variant that has lost its skill is silenced."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from kronos.condor.entry import PriceSource, price_sources
from kronos.condor.labels import wins
from kronos.condor.spec import DEFAULT_SD_MULTIPLIER
from kronos.features.entries import Entries
from kronos.features.matrix import feature_matrix
from kronos.market.history import Floats, MarketHistory
from kronos.model.model import Model
from kronos.statistics.intervals import skill_interval

FEWEST_SESSIONS: Final = 252
SESSIONS_BETWEEN_LOOKS: Final = 21
SEED: Final = 0


@dataclass(frozen=True, slots=True)
class LaterSkill:
    """A variant's Brier skill at multiplier 1.0 on sessions settled since training, as it would have answered.

    The reference is climatology: the win rate of the training window and of the later sessions settled before each one.

    Attributes
    ----------
    sessions : how many, up to the look that this is about
    upper : upper end of the 95 % interval by block bootstrap; infinite where the skill is above 0
    """

    sessions: int
    skill: float
    upper: float = math.inf

    @property
    def is_lost(self) -> bool:
        """Whether the variant has been worse than climatology, beyond chance."""
        return self.upper < 0


def later_skills(model: Model, history: MarketHistory) -> dict[str, LaterSkill]:
    """The skill of each variant with at least 252 later sessions, by name.

    It is looked at every 21 sessions: the first look at which it is lost stands, else the last look. So a variant that
    has lost its skill does not come back with more sessions, but does if the bars that condemned it are corrected.
    """
    won = wins(history, model.spec, [DEFAULT_SD_MULTIPLIER])[:, 0]
    later = (history.sessions > np.datetime64(model.trained_through)) & ~np.isnan(won)
    source = price_sources(history, model.spec)
    later &= source < PriceSource.LAGGING_PRINT
    positions = np.flatnonzero(later)
    if len(positions) < FEWEST_SESSIONS:
        return {}
    entries = Entries.of_history(history, model.spec, positions)
    values, won = feature_matrix(entries, model.features), won[positions]
    reference = (_climatology(model, won) - won) ** 2
    found = {}
    for name, served in model.variants.items():
        features = values[:, [model.features.index(feature) for feature in served.variant.features]]
        known = ~np.isnan(features).any(axis=1)
        if known.sum() >= FEWEST_SESSIONS:
            curves = served.curve_model.curve(features[known])
            probability = np.array([np.interp(DEFAULT_SD_MULTIPLIER, model.multipliers, curve) for curve in curves])
            found[name] = _first_lost((probability - won[known]) ** 2, reference[known])
    return found


def _first_lost(ours: Floats, reference: Floats) -> LaterSkill:
    """The first look at which the skill is lost, else the last look."""
    look = LaterSkill(0, 0.0)
    for count in range(FEWEST_SESSIONS, len(ours) + 1, SESSIONS_BETWEEN_LOOKS):
        skill, upper = float(1 - ours[:count].mean() / reference[:count].mean()), math.inf
        if skill < 0:
            upper = skill_interval(ours[:count], reference[:count], np.random.default_rng(SEED))[1]
        look = LaterSkill(count, skill, upper)
        if look.is_lost:
            break
    return look


def _climatology(model: Model, won: Floats) -> Floats:
    """(n,) the base rate known before each of the later sessions."""
    trained = float(model.manifest["training"]["sessions"])
    base = float(np.interp(DEFAULT_SD_MULTIPLIER, model.multipliers, model.base_rates))
    settled = np.maximum(np.arange(len(won)) + 1 - model.spec.horizon_sessions, 0)
    before = np.concatenate([[0.0], np.cumsum(won)])[settled]
    return np.asarray((trained * base + before) / (trained + settled))
