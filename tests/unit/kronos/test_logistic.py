"""The logistic regression equals scikit-learn's on stacked rows, and the trees on top only ever shift whole curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from kronos.condor.spec import MULTIPLIERS
from kronos.market.history import Floats
from kronos.model.trees import NO_TREES, SessionTrees
from kronos.training.boosting import BoostingRecipe, fit_session_trees
from kronos.training.logistic import fit_logistic, intercept_columns, newton

SESSIONS, COLUMNS = 1_500, 6
TREES = BoostingRecipe(rounds=(0, 30), learning_rate=0.2, min_sessions_in_leaf=50)


def market(seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Columns, labels that one settlement decides at all multipliers, and weights."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(SESSIONS, COLUMNS))
    log_odds = 1 + columns[:, [0]] - 0.5 * columns[:, [1]] + 0.8 * (columns[:, [2]] > 1) + 3 * np.log(MULTIPLIERS)
    labels = (rng.random((SESSIONS, 1)) < expit(log_odds)).astype(float)
    return columns, labels, rng.uniform(0.2, 1, SESSIONS)


@pytest.mark.parametrize("unknown", [0.0, 0.3], ids=["all labels", "some labels unknown"])
def test_the_fit_is_scikit_learns_on_stacked_rows(unknown: float) -> None:
    columns, labels, weights = market()
    labels[np.random.default_rng(1).random(labels.shape) < unknown] = np.nan
    slope, intercept = newton(columns, labels, weights, penalty=100.0)
    across = 1e4 * intercept_columns()[:, 1:]  # as good as without a penalty
    stacked = np.column_stack([np.tile(across, (SESSIONS, 1)), np.repeat(columns, len(MULTIPLIERS), axis=0)])
    known = ~np.isnan(labels.ravel())
    shares = np.repeat(weights / len(MULTIPLIERS), len(MULTIPLIERS))
    theirs = LogisticRegression(C=0.01, solver="newton-cholesky", tol=1e-10, max_iter=200)
    theirs.fit(stacked[known], labels.ravel()[known], sample_weight=shares[known])
    np.testing.assert_allclose(slope, theirs.coef_[0, 2:], atol=1e-5)
    np.testing.assert_allclose(intercept, theirs.intercept_[0] + across @ theirs.coef_[0, :2], atol=1e-4)


def test_a_heavy_penalty_leaves_the_intercepts_alone() -> None:
    columns, labels, weights = market()
    slope, intercept = newton(columns, labels, weights, penalty=1e9)
    np.testing.assert_allclose(slope, 0, atol=1e-4)
    rates = (weights @ labels) / weights.sum()
    np.testing.assert_allclose(expit(intercept), rates, atol=0.02)


def test_an_offset_is_corrected_and_not_replaced() -> None:
    columns, labels, weights = market()
    slope, intercept = newton(columns[:, :2], labels, weights, 1.0)
    offset = (columns[:, :2] @ slope)[:, None] + intercept
    more, none = newton(columns[:, 2:], labels, weights, 1.0, offset=offset)
    assert more[0] == pytest.approx(0.3, abs=0.15)
    np.testing.assert_allclose(more[1:], 0, atol=0.2)
    np.testing.assert_array_equal(none, 0)


@pytest.mark.parametrize("labels", [0.0, 1.0])
def test_labels_that_never_differ_give_a_finite_fit(labels: float) -> None:
    columns, _, weights = market()
    fitted = fit_logistic(columns, np.full((SESSIONS, len(MULTIPLIERS)), labels), weights, 100.0, 3.0)
    assert np.isfinite([*fitted.slope, *fitted.intercept]).all()


def test_trees_shift_whole_curves_and_find_what_is_not_linear() -> None:
    columns, labels, weights = market()
    slope, intercept = newton(columns, labels, weights, 100.0)
    start = (columns @ slope)[:, None] + intercept
    trees = fit_session_trees(columns, start, labels, weights, TREES, seed=0)
    refined = SessionTrees(trees).refine(columns, start, MULTIPLIERS)
    shift = refined - start
    np.testing.assert_allclose(shift, np.repeat(shift[:, :1], len(MULTIPLIERS), axis=1), atol=1e-12)
    above, below = shift[columns[:, 2] > 1.2, 0], shift[columns[:, 2] < 0.8, 0]
    assert above.mean() > below.mean() + 0.1
    fresh, truth, _ = market(seed=2)
    losses = [
        np.logaddexp(0, np.where(truth == 1, -odds, odds)).mean()
        for odds in ((fresh @ slope)[:, None] + intercept,)
        for odds in (odds, SessionTrees(trees).refine(fresh, odds, MULTIPLIERS))
    ]
    assert losses[1] < losses[0]


def test_the_first_trees_are_the_fit_of_fewer_rounds() -> None:
    columns, labels, weights = market()
    start = np.zeros(labels.shape) + 2 * np.log(MULTIPLIERS)
    whole = fit_session_trees(columns, start, labels, weights, TREES, seed=3)
    fewer = fit_session_trees(columns, start, labels, weights, replace(TREES, rounds=(0, 7)), seed=3)
    np.testing.assert_array_equal(whole.first(7).sum(columns), fewer.sum(columns))
    np.testing.assert_array_equal(whole.first(0).sum(columns), NO_TREES.sum(columns))
    np.testing.assert_array_equal(whole.first(30).sum(columns), whole.sum(columns))


def test_flat_trees_give_what_scikit_learn_predicts() -> None:
    """A single round with a full step and no penalty is scikit-learn's tree itself."""
    columns, labels, weights = market()
    recipe = BoostingRecipe(rounds=(0, 1), learning_rate=1.0, l2=1e-12, columns_share=1.0, min_sessions_in_leaf=50)
    start = np.zeros(labels.shape)
    trees = fit_session_trees(columns, start, labels, weights, recipe, seed=0)
    curvature = weights / 4
    gradient = (weights[:, None] / labels.shape[1] * (labels - 0.5)).sum(axis=1)
    theirs = DecisionTreeRegressor(max_depth=2, min_samples_leaf=50, random_state=0)
    theirs.fit(columns.astype(np.float32), gradient / curvature, sample_weight=curvature)
    np.testing.assert_allclose(trees.sum(columns), theirs.predict(columns.astype(np.float32)), atol=1e-9)
