"""Splits, by their exact indices."""

from __future__ import annotations

import numpy as np

from kronos.market.sessions import exchange_sessions
from kronos.training.walk_forward import WalkForward, base_rates

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


def test_base_rates_do_not_decrease_where_labels_are_known_at_one_multiplier_only() -> None:
    """Losses reported at the last multiplier alone would put its rate below that of the one before."""
    whole = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    plain = base_rates(whole)[0]
    np.testing.assert_allclose(plain, [1.5 / 4, 2.5 / 4, 3.5 / 4])
    lone = np.array([[np.nan, np.nan, 0.0]] * 6)
    first, second, third = base_rates(np.concatenate([whole, lone]))[0]
    pooled = (2.5 + 3.5) / (4 + 10)
    np.testing.assert_allclose([first, second, third], [1.5 / 4, pooled, pooled])
