"""Expanding walk-forward: what a model is scored on, it has never seen, nor could have.

One walk serves evaluation, export, the gate's evidence and the report, for our model as for the references.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from joblib import Parallel, delayed

from kronos.features.variants import Variant
from kronos.market.history import Flags, Floats, Positions
from kronos.market.sessions import Days, exchange_sessions
from kronos.progress import Progress
from kronos.training.rows import TrainingRows


@dataclass(frozen=True, slots=True)
class Split:
    """Row positions to train on and the later ones to score."""

    train: Positions
    test: Positions


@dataclass(frozen=True, slots=True)
class WalkForward:
    """How history is walked.

    Attributes
    ----------
    min_train_sessions : rows before the first split
    fold_sessions : rows that each model is scored on before the next is trained
    """

    min_train_sessions: int = 252
    fold_sessions: int = 126

    def splits(self, sessions: Days, gap_sessions: int) -> list[Split]:
        """Cut rows into consecutive test folds, each with all rows that were settled before it.

        Parameters
        ----------
        sessions : (n,) ascending
        gap_sessions : exchange sessions left out between training and test: as many as a trade lives, so
            that no label is used before it was known

        Returns
        -------
        Splits in order; a last fold may be shorter. None where there are too few rows.
        """
        splits = []
        for start in range(self.min_train_sessions, len(sessions), self.fold_sessions):
            test = np.arange(start, min(start + self.fold_sessions, len(sessions)))
            train = np.flatnonzero(settled_before(sessions, sessions[start], gap_sessions))
            splits.append(Split(train, test))
        return splits


@dataclass(frozen=True, eq=False)
class Predictions:
    """Out-of-sample predictions of m multipliers.

    Attributes
    ----------
    rows : the predicted rows, in order of time
    log_odds : (n, m) before calibration
    probability : (n, m) after it
    climatology : (n, all multipliers) base rates of the rows that each was trained on
    first_calibrated : rows before this one had no earlier fold to calibrate on, and are not scored
    """

    rows: TrainingRows
    log_odds: Floats
    probability: Floats
    climatology: Floats
    first_calibrated: int

    def scored(self, test_start: np.datetime64 | None = None) -> Positions:
        """Rows that count in scores: calibrated ones with every label known, from `test_start` on."""
        scored = (np.arange(len(self.rows)) >= self.first_calibrated) & self.rows.from_the_market()
        if test_start is not None:
            scored &= self.rows.sessions >= test_start
        return np.flatnonzero(scored)

    def settled_before(self, moment: np.datetime64, gap_sessions: int) -> Predictions:
        """Those whose label was known at a moment."""
        stop = int(settled_before(self.rows.sessions, moment, gap_sessions).sum())
        return Predictions(
            self.rows.take(slice(stop)),
            self.log_odds[:stop],
            self.probability[:stop],
            self.climatology[:stop],
            min(self.first_calibrated, stop),
        )


class FittedModel(Protocol):
    """What an estimator's fit gives."""

    def log_odds(self, features: Floats, /) -> Floats:
        """(n, m) before calibration."""
        ...

    def calibrated(self, log_odds: Floats, /) -> Floats:
        """(n, m) probabilities of log-odds before calibration."""
        ...


Fitted = TypeVar("Fitted", bound=FittedModel)


class Estimator(Protocol[Fitted]):
    """What can be walked forward: fitted on rows, calibrated on predictions that were made out of sample."""

    @property
    def variant(self) -> Variant:
        """The features it sees."""
        ...

    def fit_uncalibrated(self, rows: TrainingRows, /) -> Fitted:
        """Fit on rows that are complete for the variant; its probabilities are as the log-odds have them."""
        ...

    def calibrate(self, model: Fitted, predictions: Predictions | None, /) -> Fitted:
        """The same model, calibrated on earlier predictions; None leaves it as it is."""
        ...


@dataclass(frozen=True, eq=False)
class Walk(Generic[Fitted]):
    """A walk's models, one a split, and what they predicted.

    Attributes
    ----------
    models : calibrated as they were when they predicted
    tested : for each model the positions in `predictions` of what it predicted
    """

    models: tuple[Fitted, ...]
    tested: tuple[Positions, ...]
    predictions: Predictions


def walk_forward(
    estimator: Estimator[Fitted],
    rows: TrainingRows,
    splits: Sequence[Split],
    gap_sessions: int,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Walk[Fitted]:
    """Predict every test fold by a model that was fitted, and calibrated, on what was settled before it.

    Parameters
    ----------
    rows : complete for the estimator's variant
    splits : in order, at least one; the test folds follow one another
    gap_sessions : as the splits were made with
    """
    fitted = _fit_all(estimator, rows, splits, jobs, progress)
    tested = rows.take(np.concatenate([split.test for split in splits]))
    features = rows.of_variant(estimator.variant)
    log_odds = np.concatenate(
        [model.log_odds(features[split.test]) for model, split in zip(fitted, splits, strict=True)]
    )
    climatology = np.concatenate([base_rates(rows.labels[split.train], len(split.test)) for split in splits])
    raw = Predictions(tested, log_odds, log_odds, climatology, len(splits[0].test))
    models, probability, positions = [], [], []
    start = 0
    for model, split in zip(fitted, splits, strict=True):
        own = np.arange(start, start + len(split.test))
        earlier = raw.settled_before(tested.sessions[start], gap_sessions)
        calibrated = estimator.calibrate(model, earlier if len(earlier.rows) else None)
        models.append(calibrated)
        probability.append(calibrated.calibrated(log_odds[own]))
        positions.append(own)
        start += len(own)
    predictions = Predictions(tested, log_odds, np.concatenate(probability), climatology, raw.first_calibrated)
    return Walk(tuple(models), tuple(positions), predictions)


def settled_before(sessions: Days, moment: np.datetime64, gap_sessions: int) -> Flags:
    """(n,) which sessions lie more than `gap_sessions` exchange sessions before `moment`."""
    number = exchange_sessions().number
    return np.asarray(number(sessions) < number(np.atleast_1d(moment)) - gap_sessions)


def base_rates(labels: Floats, count: int = 1) -> Floats:
    """(count, multipliers) win rates of labels, by Krichevsky and Trofimov's rule, so that none is 0 or 1."""
    rates = (np.nansum(labels, axis=0) + 0.5) / ((~np.isnan(labels)).sum(axis=0) + 1)
    return np.tile(rates, (count, 1))


def _fit_all(
    estimator: Estimator[Fitted],
    rows: TrainingRows,
    splits: Sequence[Split],
    jobs: int,
    progress: Progress | None,
) -> list[Fitted]:
    tasks = (delayed(estimator.fit_uncalibrated)(rows.take(split.train)) for split in splits)
    models: list[Fitted] = []
    for model in Parallel(n_jobs=jobs, return_as="generator")(tasks):
        models.append(model)
        if progress is not None:
            progress(len(models), len(splits))
    return models
