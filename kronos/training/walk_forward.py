"""Expanding walk-forward splits: what a model is scored on, it has never seen, nor could have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kronos.market import Positions
from kronos.sessions import Days, exchange_sessions


@dataclass(frozen=True, slots=True)
class Fold:
    """Row positions to train on and the later ones to score."""

    train: Positions
    test: Positions


@dataclass(frozen=True, slots=True)
class WalkForward:
    """How history is walked.

    Attributes
    ----------
    min_train_sessions : rows before the first fold
    fold_sessions : rows that each model is scored on before the next is trained
    """

    min_train_sessions: int = 252
    fold_sessions: int = 126

    def folds(self, sessions: Days, gap_sessions: int) -> list[Fold]:
        """Cut rows into consecutive test folds, each with all rows that were settled before it.

        Parameters
        ----------
        sessions : (n,) ascending
        gap_sessions : exchange sessions left out between training and test: as many as a trade lives, so
            that no label is used before it was known

        Returns
        -------
        Folds in order; a last fold may be shorter. None where there are too few rows.
        """
        folds = []
        for start in range(self.min_train_sessions, len(sessions), self.fold_sessions):
            test = np.arange(start, min(start + self.fold_sessions, len(sessions)))
            train = np.flatnonzero(settled_before(sessions, sessions[start], gap_sessions))
            folds.append(Fold(train, test))
        return folds


def settled_before(
    sessions: Days, moment: np.datetime64, gap_sessions: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(n,) which sessions lie more than `gap_sessions` exchange sessions before `moment`."""
    number = exchange_sessions().number
    return np.asarray(number(sessions) < number(np.atleast_1d(moment)) - gap_sessions)
