"""Splits, by their exact indices."""

from __future__ import annotations

import numpy as np

from kronos.market.sessions import exchange_sessions
from kronos.training.walk_forward import WalkForward

SESSIONS = exchange_sessions().days[:12]


def test_folds_are_consecutive_and_leave_the_gap_out() -> None:
    folds = WalkForward(min_train_sessions=5, fold_sessions=3).splits(SESSIONS, gap_sessions=2)
    assert [fold.test.tolist() for fold in folds] == [[5, 6, 7], [8, 9, 10], [11]]
    assert [fold.train.tolist() for fold in folds] == [list(range(3)), list(range(6)), list(range(9))]


def test_the_gap_counts_exchange_sessions_not_rows() -> None:
    """Every second session is missing: two sessions of gap are one row."""
    rows = exchange_sessions().days[:24:2]
    folds = WalkForward(min_train_sessions=5, fold_sessions=4).splits(rows, gap_sessions=2)
    assert [fold.train.tolist() for fold in folds] == [list(range(4)), list(range(8))]


def test_every_row_after_the_first_window_is_tested_once() -> None:
    folds = WalkForward(min_train_sessions=5, fold_sessions=3).splits(SESSIONS, gap_sessions=1)
    assert np.concatenate([fold.test for fold in folds]).tolist() == list(range(5, 12))
    assert all(fold.train.max() < fold.test.min() - 1 for fold in folds)


def test_too_few_rows_give_no_fold() -> None:
    assert WalkForward(min_train_sessions=12).splits(SESSIONS, gap_sessions=1) == []
