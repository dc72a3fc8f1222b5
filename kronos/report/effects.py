"""What each feature does: how much skill it carries out of sample, and how it moves the probability.

Importance is the skill that the walk-forward models lose when a feature is shuffled on sessions that they never saw.
The curve is the shipped model's partial dependence (Friedman 2001), with its range over the walk-forward models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kronos.condor.spec import DEFAULT_COLUMN
from kronos.features.registry import Feature
from kronos.features.variants import Variant
from kronos.market.history import Floats, Positions
from kronos.model.curve import CurveModel
from kronos.statistics.intervals import mean_error, wilson
from kronos.training.walk_forward import Predictions

SAME_ON_ANOTHER_SCALE = {"expected_move_pct": "vix"}
"""At a fixed horizon the expected move is VIX times a constant, so moving one alone would describe no real market."""

SHUFFLES = 5
BACKGROUND_SESSIONS = 60
MODELS_COMPARED = 12
CURVE_RANKS = np.linspace(0.02, 0.98, 21)
DISCRETE_AT_MOST = 8
OBSERVED_BINS = 5
OBSERVED_MIN_SESSIONS = 20


@dataclass(frozen=True, slots=True, eq=False)
class FoldModel:
    """One model of the walk, and the sessions that it predicted and is measured on.

    Attributes
    ----------
    tested : positions in the predictions
    """

    model: CurveModel
    tested: Positions


def win_probability(model: CurveModel, features: Floats) -> Floats:
    """(n,) calibrated probability at multiplier 1.0, ten times as fast as the whole curve."""
    log_odds = model.log_odds(features, slice(DEFAULT_COLUMN, DEFAULT_COLUMN + 1))
    return model.calibrator.probability(log_odds)[:, 0]


@dataclass(frozen=True, slots=True)
class WinRateAtValue:
    """How the tested sessions with a feature near a value ended; the win rate has a 95 % Wilson interval."""

    value: float
    sessions: int
    win_rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """One feature, at multiplier 1.0.

    Attributes
    ----------
    features : the feature, then any that are the same on another scale and were moved with it
    skill_lost : Brier skill lost, out of sample, when the feature is shuffled among the tested sessions
    skill_lost_interval : 95 %, by session
    values : (g,) ascending, at evenly spaced ranks, so dense where the data is; all values of a discrete feature
    probability : (g,) the shipped model's mean probability with the feature at each value
    lowest, highest : (g,) range of the same over walk-forward models
    observed : what happened, by value
    tested : (n,) the feature in the tested sessions
    discrete : whether it takes only a few values
    """

    features: tuple[Feature, ...]
    skill_lost: float
    skill_lost_interval: tuple[float, float]
    values: Floats
    probability: Floats
    lowest: Floats
    highest: Floats
    observed: tuple[WinRateAtValue, ...]
    tested: Floats
    discrete: bool

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.features[0].name

    @property
    def varies(self) -> bool:
        """Whether the feature ever differed in the tested sessions."""
        return len(self.values) > 1


def feature_effects(
    shipped: CurveModel, walked: Sequence[FoldModel], tested: Predictions, chosen: Positions, seed: int = 0
) -> list[Effect]:
    """The effect of every feature of the shipped model's variant, most important first.

    Parameters
    ----------
    walked : the models that were tested on the chosen sessions
    chosen : positions in `tested` to measure on
    """
    features = tested.rows.of_variant(shipped.variant)
    losses = _SkillLosses(walked, tested, features, chosen, seed)
    compared = [walked[at].model for at in _evenly(len(walked), MODELS_COMPARED)]
    background = features[chosen[_evenly(len(chosen), BACKGROUND_SESSIONS)]]
    effects = []
    for group in feature_groups(shipped.variant):
        column = features[chosen, group[0]]
        grid, discrete = _grid(features[chosen][:, group])
        curves = np.array([_partial_dependence(model, background, group, grid) for model in compared])
        skill_lost, skill_lost_interval = losses.without(group)
        effects.append(
            Effect(
                features=tuple(shipped.variant.features[member] for member in group),
                skill_lost=skill_lost,
                skill_lost_interval=skill_lost_interval,
                values=grid[:, 0],
                probability=_partial_dependence(shipped, background, group, grid),
                lowest=curves.min(axis=0),
                highest=curves.max(axis=0),
                observed=tuple(_observed(column, tested.rows.labels[chosen, DEFAULT_COLUMN], discrete)),
                tested=column,
                discrete=discrete,
            )
        )
    return sorted(effects, key=lambda effect: -effect.skill_lost)


def feature_groups(variant: Variant) -> list[list[int]]:
    """Column positions of the variant's features; features that are the same on two scales are grouped."""
    names = variant.feature_names
    groups = {name: [at] for at, name in enumerate(names) if SAME_ON_ANOTHER_SCALE.get(name) not in names}
    for at, name in enumerate(names):
        if name not in groups:
            groups[SAME_ON_ANOTHER_SCALE[name]].append(at)
    return list(groups.values())


class _SkillLosses:
    """Shuffles features under the models that never saw the sessions."""

    def __init__(
        self, walked: Sequence[FoldModel], tested: Predictions, features: Floats, chosen: Positions, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        self._walked, self._features = walked, features
        self._won = tested.rows.labels[:, DEFAULT_COLUMN]
        self._others = np.tile(np.arange(len(features)), (SHUFFLES, 1))
        for others in self._others:
            others[chosen] = rng.permutation(chosen)
        self._own_error = self._errors([], self._others[0])
        self._reference = ((tested.climatology[chosen, DEFAULT_COLUMN] - self._won[chosen]) ** 2).mean()

    def without(self, group: list[int]) -> tuple[float, tuple[float, float]]:
        """Brier skill lost without a group of features, and its 95 % interval."""
        shuffled = np.mean([self._errors(group, others) for others in self._others], axis=0)
        rise = (shuffled - self._own_error) / self._reference
        mean, error = float(rise.mean()), mean_error(rise)
        return mean, (mean - error, mean + error)

    def _errors(self, group: list[int], others: Positions) -> Floats:
        """(n,) squared errors with a group of features taken from other sessions."""
        errors = []
        for fold in self._walked:
            features = self._features[fold.tested].copy()
            features[:, group] = self._features[others[fold.tested]][:, group]
            errors.append((win_probability(fold.model, features) - self._won[fold.tested]) ** 2)
        return np.concatenate(errors)


def _grid(columns: Floats) -> tuple[Floats, bool]:
    """(g, members) values of a group that occur, ascending, and whether these are all of its values."""
    order = np.argsort(columns[:, 0], kind="stable")
    values, first = np.unique(columns[order, 0], return_index=True)
    if len(values) <= DISCRETE_AT_MOST:
        return columns[order[first]], True
    at = order[np.round(CURVE_RANKS * (len(order) - 1)).astype(int)]
    _, kept = np.unique(columns[at, 0], return_index=True)
    return columns[at[kept]], False


def _partial_dependence(model: CurveModel, background: Floats, group: list[int], grid: Floats) -> Floats:
    """(g,) mean probability over the background sessions with a group of features set to each value."""
    moved = np.tile(background, (len(grid), 1))
    moved[:, group] = np.repeat(grid, len(background), axis=0)
    return np.asarray(win_probability(model, moved).reshape(len(grid), -1).mean(axis=1))


def _observed(column: Floats, won: Floats, discrete: bool) -> Iterator[WinRateAtValue]:
    """The win rate at each value of a discrete feature that is not too rare, or in equal-count bins."""
    if discrete:
        at_each = (np.flatnonzero(column == value) for value in np.unique(column))
        bins = [chosen for chosen in at_each if len(chosen) >= OBSERVED_MIN_SESSIONS]
    else:
        bins = np.array_split(np.argsort(column, kind="stable"), OBSERVED_BINS)
    for chosen in bins:
        wins = int(won[chosen].sum())
        low, high = wilson(wins, len(chosen))
        yield WinRateAtValue(float(column[chosen].mean()), len(chosen), wins / len(chosen), low, high)


def _evenly(length: int, at_most: int) -> Positions:
    """Positions spread evenly from the first to the last."""
    return np.linspace(0, length - 1, min(length, at_most)).astype(np.intp)
