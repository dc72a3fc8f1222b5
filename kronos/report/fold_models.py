"""The walk-forward models themselves: the evaluation keeps their probabilities only, the report asks them more."""

from __future__ import annotations

from dataclasses import dataclass

from joblib import Parallel, delayed

from kronos.condor import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS
from kronos.curve import CurveModel
from kronos.features import Variant
from kronos.market import Floats, Positions
from kronos.training.calibrate import fit_calibrator
from kronos.training.fit import fit_logistic, fit_trees
from kronos.training.out_of_fold import OutOfFold, Progress
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import settled_before

AT_ONE = SD_MULTIPLIERS.index(DEFAULT_SD_MULTIPLIER)


@dataclass(frozen=True, slots=True, eq=False)
class FoldModel:
    """One model of the walk and the sessions it was tested on.

    Attributes
    ----------
    tested : positions in the out-of-fold rows
    """

    model: CurveModel
    tested: Positions


def refit(
    rows: TrainingRows,
    variant: Variant,
    out_of_fold: OutOfFold,
    chosen: Positions,
    gap_sessions: int,
    recipe: Recipe,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[FoldModel]:
    """Fit and calibrate anew, exactly as walked, the model of every fold that holds a chosen session.

    Parameters
    ----------
    rows : those that were walked
    chosen : ascending positions in the out-of-fold rows
    """
    rows = rows.take(rows.complete(variant))
    tasks, tested, start = [], [], 0
    for fold in recipe.walk_forward.folds(rows.sessions, gap_sessions):
        inside = chosen[(chosen >= start) & (chosen < start + len(fold.test))]
        if len(inside):
            settled = settled_before(out_of_fold.rows.sessions, out_of_fold.rows.sessions[start], gap_sessions)
            known = out_of_fold.rows.take(settled)
            tasks.append(delayed(_fit)(rows.take(fold.train), known, out_of_fold.log_odds[settled], variant, recipe))
            tested.append(inside)
        start += len(fold.test)
    models: list[FoldModel] = []
    for model in Parallel(n_jobs=jobs, return_as="generator")(tasks):
        models.append(FoldModel(model, tested[len(models)]))
        if progress is not None:
            progress(len(models), len(tasks))
    return models


def win_probability(model: CurveModel, features: Floats) -> Floats:
    """(n,) calibrated probability at multiplier 1.0; ten times as fast as the whole curve."""
    log_odds = model.log_odds(features, slice(AT_ONE, AT_ONE + 1))
    return model.calibrator.probability(log_odds)[:, 0]


def _fit(
    train: TrainingRows, known: TrainingRows, known_log_odds: Floats, variant: Variant, recipe: Recipe
) -> CurveModel:
    logistic = fit_logistic(train, variant, recipe)
    trees = fit_trees(train, variant, logistic, recipe)
    calibrator = fit_calibrator(known.sessions, known_log_odds, known.labels, recipe)
    return CurveModel(variant, logistic, trees, calibrator)
