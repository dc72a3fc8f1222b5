"""What each feature does: how much skill it carries out of sample, and which way it moves the probability.

Importance is measured on the walk-forward models, each refitted as the evaluation fitted it, on sessions it never
saw. The curve of a feature is the shipped model's partial dependence (Friedman 2001), with its range over the
walk-forward models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from scipy.stats import binomtest

from kronos.condor import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS
from kronos.curve import CurveModel
from kronos.features import VARIANT_FEATURES, Variant
from kronos.market import Floats, Positions
from kronos.training.calibrate import fit_calibrator
from kronos.training.export import fit_variant
from kronos.training.fit import fit_logistic, fit_trees
from kronos.training.out_of_fold import OutOfFold, Progress
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Fold, settled_before

AT_ONE = SD_MULTIPLIERS.index(DEFAULT_SD_MULTIPLIER)
SAME_ON_ANOTHER_SCALE = {"expected_move_pct": "vix"}
"""For one horizon the expected move is VIX times a constant: moved apart, they would describe no market."""

SHUFFLES = 5
BACKGROUND_SESSIONS = 100
GRID_POINTS = 21
GRID_FROM, GRID_TO = 0.02, 0.98
DISCRETE_AT_MOST = 8
OBSERVED_BINS = 5
NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of the tested sessions with a feature near a value; the win rate's interval is Wilson's, 95 %."""

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
    feature : its name
    moved_along : features that are the same on another scale, and were moved with it
    skill_lost : Brier skill lost, out of sample, when the feature is shuffled among the tested sessions
    skill_lost_interval : 95 %, by session
    values : (g,) where the curve is known, ascending; evenly by rank, so dense where the data is
    probability : (g,) the shipped model's mean probability with the feature at each value
    lowest, highest : (g,) of the walk-forward models
    observed : what really happened, by value
    tested : (n,) the feature in the tested sessions
    """

    feature: str
    moved_along: tuple[str, ...]
    skill_lost: float
    skill_lost_interval: tuple[float, float]
    values: Floats
    probability: Floats
    lowest: Floats
    highest: Floats
    observed: tuple[Observed, ...]
    tested: Floats

    @property
    def discrete(self) -> bool:
        """Whether the feature takes a few values only."""
        return len(np.unique(self.tested)) <= DISCRETE_AT_MOST

    @property
    def varies(self) -> bool:
        """Whether there is anything to see."""
        return len(self.values) > 1


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """All that one fold's model needs: what it is fitted, calibrated and tried on."""

    train: TrainingRows
    settled: TrainingRows
    settled_log_odds: Floats
    features: Floats
    shuffled: Floats
    background: Floats
    grids: Sequence[Floats]


@dataclass(frozen=True, slots=True, eq=False)
class FoldEffects:
    """One walk-forward model's answers at multiplier 1.0.

    Attributes
    ----------
    probability : (n,) of its test sessions, as the evaluation has them
    shuffled : (groups, SHUFFLES, n) with one group of features shuffled
    curves : a (g,) partial dependence for each group
    """

    probability: Floats
    shuffled: Floats
    curves: list[Floats]


def feature_effects(
    rows: TrainingRows,
    variant: Variant,
    tested: OutOfFold,
    chosen: Positions,
    gap_sessions: int,
    recipe: Recipe,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Effect]:
    """Effects of every feature of a variant, the most important first.

    Parameters
    ----------
    rows : those that `tested` was walked forward over
    chosen : positions in `tested` to measure on
    """
    features = tested.rows.for_variant(variant)[chosen]
    groups = list(feature_groups(variant))
    grids = [_grid(features, group) for group in groups]
    folds = refit_folds(rows, variant, tested, chosen, gap_sessions, recipe, grids, jobs=jobs, progress=progress)
    shipped = fit_variant(rows, variant, tested, recipe)
    background = _background(features)
    won, climatology = tested.rows.labels[chosen, AT_ONE], tested.climatology[chosen, AT_ONE]
    own_error = (np.concatenate([fold.probability for fold in folds]) - won) ** 2
    shuffled = np.concatenate([fold.shuffled for fold in folds], axis=2)
    effects = []
    for at, (group, grid) in enumerate(zip(groups, grids, strict=True)):
        rise = ((shuffled[at] - won) ** 2).mean(axis=0) - own_error
        mean, error = rise.mean(), rise.std(ddof=1) / np.sqrt(len(rise))
        scale = ((climatology - won) ** 2).mean()
        curves = np.array([fold.curves[at] for fold in folds])
        column = features[:, group[0]]
        names = [VARIANT_FEATURES[variant][member] for member in group]
        effects.append(
            Effect(
                feature=names[0],
                moved_along=tuple(names[1:]),
                skill_lost=float(mean / scale),
                skill_lost_interval=(
                    float((mean - NORMAL_95 * error) / scale),
                    float((mean + NORMAL_95 * error) / scale),
                ),
                values=grid[:, 0],
                probability=_partial_dependence(shipped, background, group, grid),
                lowest=curves.min(axis=0),
                highest=curves.max(axis=0),
                observed=tuple(_observed(column, won)),
                tested=column,
            )
        )
    return sorted(effects, key=lambda effect: -effect.skill_lost)


def feature_groups(variant: Variant) -> Iterator[tuple[int, ...]]:
    """Column positions of the variant's features, those that are one on two scales together."""
    names = VARIANT_FEATURES[variant]
    for at, name in enumerate(names):
        if SAME_ON_ANOTHER_SCALE.get(name) not in names:
            yield (at, *(names.index(other) for other, of in SAME_ON_ANOTHER_SCALE.items() if of == name))


def refit_folds(
    rows: TrainingRows,
    variant: Variant,
    tested: OutOfFold,
    chosen: Positions,
    gap_sessions: int,
    recipe: Recipe,
    grids: Sequence[Floats],
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[FoldEffects]:
    """Fit the walk-forward models of the chosen test sessions anew and try them on shuffled features."""
    complete = rows.take(rows.complete(variant))
    features = tested.rows.for_variant(variant)
    rng = np.random.default_rng(recipe.seed)
    shuffled = np.array([features[rng.permutation(chosen)] for _ in range(SHUFFLES)])
    tasks, start = [], 0
    for fold in recipe.walk_forward.folds(complete.sessions, gap_sessions):
        inside = (chosen >= start) & (chosen < start + len(fold.test))
        if inside.any():
            at = chosen[inside]
            tasks.append(
                _task(complete, fold, tested, start, gap_sessions, features[at], shuffled[:, inside], features[chosen], grids)
            )
        start += len(fold.test)
    done = []
    run = Parallel(n_jobs=jobs, return_as="generator")(delayed(_try_fold)(task, variant, recipe) for task in tasks)
    for fold_effects in run:
        done.append(fold_effects)
        if progress is not None:
            progress(len(done), len(tasks))
    return done
