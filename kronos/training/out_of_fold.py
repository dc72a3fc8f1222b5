"""Walk a variant forward: every probability here was made by a model and a calibrator that came before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from kronos.curve import CurveModel, never_decreasing
from kronos.errors import TrainingRefusedError
from kronos.features import Variant
from kronos.market import Floats, Positions
from kronos.training.calibrate import fit_calibrator, identity_calibrator
from kronos.training.fit import fit_logistic, fit_trees
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Fold, settled_before

Progress = Callable[[int, int], None]
"""Called with folds done and folds in all."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions for the rows that lie in a test fold.

    Attributes
    ----------
    rows : the predicted rows, in order of time
    log_odds : (n, multipliers) before calibration
    probability : (n, multipliers) after it
    logistic : (n, multipliers) of the fold's logistic regression alone
    climatology : (n, multipliers) base rates of the fold's training rows
    first_calibrated : rows before this one had no earlier fold to calibrate on, and are not scored
    """

    rows: TrainingRows
    log_odds: Floats
    probability: Floats
    logistic: Floats
    climatology: Floats
    first_calibrated: int

    def scored(self, test_start: np.datetime64 | None = None) -> Positions:
        """Rows that count in scores: calibrated ones with every label known, from `test_start` on."""
        scored = (np.arange(len(self.rows)) >= self.first_calibrated) & ~np.isnan(self.rows.labels).any(axis=1)
        if test_start is not None:
            scored &= self.rows.sessions >= test_start
        return np.flatnonzero(scored)

    def before(self, moment: np.datetime64, gap_sessions: int) -> OutOfFold:
        """Those rows that were settled before a moment."""
        stop = int(settled_before(self.rows.sessions, moment, gap_sessions).sum())
        arrays = {name: getattr(self, name)[:stop] for name in ("log_odds", "probability", "logistic", "climatology")}
        return OutOfFold(self.rows.take(slice(stop)), first_calibrated=min(self.first_calibrated, stop), **arrays)


def walk_forward(
    rows: TrainingRows,
    variant: Variant,
    gap_sessions: int,
    recipe: Recipe,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> OutOfFold:
    """Predict every test fold of a variant's complete rows.

    Raises
    ------
    TrainingRefusedError
        Where there are too few sessions or losses.
    """
    rows = rows.take(rows.complete(variant))
    require_enough(rows, variant, recipe)
    folds = recipe.walk_forward.folds(rows.sessions, gap_sessions)
    predicted = list(_predict_folds(rows, variant, folds, recipe, jobs, progress))
    tested = rows.take(np.concatenate([fold.test for fold in folds]))
    log_odds = np.concatenate([raw for raw, _ in predicted])
    return OutOfFold(
        rows=tested,
        log_odds=log_odds,
        probability=_calibrated(tested, folds, log_odds, gap_sessions, recipe),
        logistic=np.concatenate([1 / (1 + np.exp(-linear)) for _, linear in predicted]),
        climatology=np.concatenate([base_rates(rows.labels[fold.train], len(fold.test)) for fold in folds]),
        first_calibrated=len(folds[0].test),
    )


def require_enough(rows: TrainingRows, variant: Variant, recipe: Recipe) -> None:
    """Refuse to train on too little.

    Raises
    ------
    TrainingRefusedError
    """
    if len(rows) < recipe.min_sessions:
        raise TrainingRefusedError(
            f"too few sessions to train variant {variant}: {len(rows)} complete ones, {recipe.min_sessions} are needed"
        )
    if rows.losses() < recipe.min_losses:
        raise TrainingRefusedError(
            f"too few breaches to train variant {variant}: {rows.losses()} at multiplier 1.0, "
            f"{recipe.min_losses} are needed"
        )


def base_rates(labels: Floats, count: int = 1) -> Floats:
    """(count, multipliers) win rates of labels, by Krichevsky and Trofimov's rule, so that none is 0 or 1."""
    rates = (np.nansum(labels, axis=0) + 0.5) / ((~np.isnan(labels)).sum(axis=0) + 1)
    return np.tile(rates, (count, 1))


def _predict_folds(
    rows: TrainingRows,
    variant: Variant,
    folds: Sequence[Fold],
    recipe: Recipe,
    jobs: int,
    progress: Progress | None,
) -> Iterator[tuple[Floats, Floats]]:
    tasks = (delayed(_predict_fold)(rows.take(fold.train), rows.take(fold.test), variant, recipe) for fold in folds)
    for done, predicted in enumerate(Parallel(n_jobs=jobs, return_as="generator")(tasks), start=1):
        if progress is not None:
            progress(done, len(folds))
        yield predicted


def _predict_fold(train: TrainingRows, test: TrainingRows, variant: Variant, recipe: Recipe) -> tuple[Floats, Floats]:
    """(n, multipliers) log-odds of the test rows: of the trees, and of the logistic regression alone."""
    logistic = fit_logistic(train, variant, recipe)
    model = CurveModel(variant, logistic, fit_trees(train, variant, logistic, recipe), identity_calibrator())
    features = test.for_variant(variant)
    return model.log_odds(features), model.logistic_log_odds(features)


def _calibrated(
    tested: TrainingRows, folds: Sequence[Fold], log_odds: Floats, gap_sessions: int, recipe: Recipe
) -> Floats:
    """Calibrate each fold on the folds before it, as far as they were settled."""
    calibrated, start = [], 0
    for fold in folds:
        stop = start + len(fold.test)
        known = np.flatnonzero(settled_before(tested.sessions, tested.sessions[start], gap_sessions))
        calibrator = identity_calibrator()
        if len(known):
            calibrator = fit_calibrator(tested.sessions[known], log_odds[known], tested.labels[known], recipe)
        calibrated.append(never_decreasing(calibrator.probability(log_odds[start:stop])))
        start = stop
    return np.concatenate(calibrated)
