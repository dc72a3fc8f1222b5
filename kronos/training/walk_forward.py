"""Expanding walk-forward: a model is scored only on what it has not seen and could not have seen.

The same walk serves evaluation, export, the gate and the report, for our model and for the references.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from joblib import Parallel, delayed
from sklearn.isotonic import IsotonicRegression

from kronos.features.variants import Variant
from kronos.market.history import Flags, Floats, Positions
from kronos.market.sessions import Days, exchange_sessions
from kronos.progress import Progress
from kronos.statistics.recent import recent_rates
from kronos.training.rows import TrainingRows


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of the rows to train on, and of the later rows to score."""

    train: Positions
    test: Positions


@dataclass(frozen=True, slots=True)
class WalkForward:
    """How a history is walked forward.

    Attributes
    ----------
    min_train_sessions : rows before the first test fold
    fold_sessions : rows that each model is scored on before the next one is trained
    """

    min_train_sessions: int = 252
    fold_sessions: int = 126

    def splits(self, sessions: Days, gap_sessions: int) -> list[Split]:
        """Cut rows into consecutive test folds, each with all rows that had settled before it.

        Parameters
        ----------
        sessions : (n,) ascending
        gap_sessions : exchange sessions left out between training and test, as many as a trade lasts, so
            that no label is used before it was known

        Returns
        -------
        Splits in order; the last fold may be shorter. Empty if there are too few rows.
        """
        splits = []
        for start in range(self.min_train_sessions, len(sessions), self.fold_sessions):
            test = np.arange(start, min(start + self.fold_sessions, len(sessions)))
            train = np.flatnonzero(settled_before(sessions, sessions[start], gap_sessions))
            splits.append(Split(train, test))
        return splits


@dataclass(frozen=True, eq=False)
class Predictions:
    """Out-of-sample predictions for m multipliers.

    Attributes
    ----------
    rows : the predicted rows, in time order
    log_odds : (n, s, m) before calibration, at each of s stages that the estimator may choose from
    levelled : (n, m) before calibration, at the stage and the level chosen
    probability : (n, m) after calibration, at the stage chosen
    climatology : (n, all multipliers) base rates of the rows that each prediction's model was trained on
    recent : (n, all multipliers) base rates of the last 252 sessions before each row, with the same gap as in training
    first_calibrated : rows before this one had no earlier fold to calibrate on, and are not scored
    """

    rows: TrainingRows
    log_odds: Floats
    levelled: Floats
    probability: Floats
    climatology: Floats
    recent: Floats
    first_calibrated: int

    def scored(self, test_start: np.datetime64 | None = None, *, apart: bool = False) -> Positions:
        """The rows to score: calibrated, with every label known, from `test_start` on.

        Parameters
        ----------
        apart : those whose labels are less exact, which are scored apart, instead of the others
        """
        scored = (np.arange(len(self.rows)) >= self.first_calibrated) & self.rows.from_the_market()
        scored &= self.rows.scored_apart() == apart
        if test_start is not None:
            scored &= self.rows.sessions >= test_start
        return np.flatnonzero(scored)

    def settled_before(self, moment: np.datetime64, gap_sessions: int) -> Predictions:
        """The predictions whose labels were known at a given moment."""
        stop = int(settled_before(self.rows.sessions, moment, gap_sessions).sum())
        return Predictions(
            self.rows.take(slice(stop)),
            self.log_odds[:stop],
            self.levelled[:stop],
            self.probability[:stop],
            self.climatology[:stop],
            self.recent[:stop],
            min(self.first_calibrated, stop),
        )


class FittedModel(Protocol):
    """What an estimator's fit returns."""

    def staged_log_odds(self, features: Floats, /) -> Floats:
        """(n, s, m) log-odds before calibration, at each stage that the estimator may choose from."""
        ...

    def levelled(self, log_odds: Floats, /) -> Floats:
        """(n, m) log-odds to calibrate, of (n, s, m) staged ones."""
        ...

    def curve(self, features: Floats, /) -> Floats:
        """(n, m) probabilities, calibrated if the model is."""
        ...


Fitted = TypeVar("Fitted", bound=FittedModel)


class Estimator(Protocol[Fitted]):
    """What can be walked forward: fitted on rows, then calibrated on out-of-sample predictions."""

    @property
    def variant(self) -> Variant:
        """The features that it sees."""
        ...

    def fit_uncalibrated(self, rows: TrainingRows, /) -> Fitted:
        """Fit on rows that are complete for the variant, without calibration."""
        ...

    def calibrate(self, model: Fitted, predictions: Predictions | None, /) -> Fitted:
        """The same model at the stage that earlier predictions choose, calibrated on them; the first stage for None."""
        ...


@dataclass(frozen=True, eq=False)
class Walk(Generic[Fitted]):
    """The models of a walk, one per split, and their predictions.

    Attributes
    ----------
    models : with the calibrators that they predicted with
    tested : for each model, the positions in `predictions` of the rows that it predicted
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
    """Predict every test fold with a model that was fitted and calibrated only on sessions settled before it.

    Parameters
    ----------
    rows : complete for the estimator's variant
    splits : in order, at least one, with consecutive test folds
    gap_sessions : the gap that the splits were made with
    """
    fitted = _fit_all(estimator, rows, splits, jobs, progress)
    tested = rows.take(np.concatenate([split.test for split in splits]))
    features = rows.of_variant(estimator.variant)
    log_odds = np.concatenate(
        [model.staged_log_odds(features[split.test]) for model, split in zip(fitted, splits, strict=True)]
    )
    climatology = np.concatenate([base_rates(rows.labels[split.train], len(split.test)) for split in splits])
    recent = recent_rates(rows.sessions, rows.labels, tested.sessions, gap_sessions)
    levelled, probability = fitted[0].levelled(log_odds), np.empty_like(log_odds[:, 0])
    predictions = Predictions(tested, log_odds, levelled, probability, climatology, recent, len(splits[0].test))
    models, positions = [], []
    start = 0
    for model, split in zip(fitted, splits, strict=True):
        own = np.arange(start, start + len(split.test))
        earlier = predictions.settled_before(tested.sessions[start], gap_sessions)
        calibrated = estimator.calibrate(model, earlier if len(earlier.rows) else None)
        levelled[own] = calibrated.levelled(log_odds[own])
        probability[own] = calibrated.curve(features[split.test])
        models.append(calibrated)
        positions.append(own)
        start += len(own)
    return Walk(tuple(models), tuple(positions), predictions)


def settled_before(sessions: Days, moment: np.datetime64, gap_sessions: int) -> Flags:
    """(n,) whether a session lies more than `gap_sessions` exchange sessions before `moment`."""
    number = exchange_sessions().number
    return np.asarray(number(sessions) < number(np.atleast_1d(moment)) - gap_sessions)


def base_rates(labels: Floats, count: int = 1) -> Floats:
    """(count, multipliers) win rates of labels, by the Krichevsky-Trofimov estimator, so that none is 0 or 1.

    A condor further away wins whenever a nearer one does, so the rates never decrease. Where some sessions have a label
    at one multiplier only, the sample means may; they are then pooled by isotonic regression.
    """
    weights = (~np.isnan(labels)).sum(axis=0) + 1
    rates = (np.nansum(labels, axis=0) + 0.5) / weights
    if (np.diff(rates) < 0).any():
        rates = IsotonicRegression().fit_transform(np.arange(len(rates)), rates, sample_weight=weights)
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
