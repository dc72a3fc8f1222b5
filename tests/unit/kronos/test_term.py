"""`term` corrects `full`, drawn to nothing: never worse beyond noise with little history, better with more."""

from __future__ import annotations

import numpy as np
import pytest

from kronos.features.variants import FULL, TERM
from kronos.training.estimator import CurveEstimator
from kronos.training.export import CORRECTION_EARNED_T
from tests.support.term_market import BEFORE, RECIPE, errors, term_market

SEEDS = range(3)
KNOWS, KNOWS_NOTHING = 0.5, 0.0


@pytest.mark.parametrize("known", [250, 1_000])
def test_a_term_structure_that_knows_nothing_costs_next_to_nothing(known: int) -> None:
    found = [errors(known, KNOWS_NOTHING, seed) for seed in SEEDS]
    assert np.mean([one.term - one.full for one in found]) < 0.002
    assert np.mean([one.gain_t for one in found]) < CORRECTION_EARNED_T


def test_one_that_knows_more_helps_soon_and_much_later() -> None:
    little, much = ([errors(known, KNOWS, seed) for seed in SEEDS] for known in (250, 1_000))
    assert np.mean([one.term - one.full for one in little]) < 0
    assert np.mean([one.term for one in much]) < 0.85 * np.mean([one.full for one in much])
    assert min(one.gain_t for one in much) > CORRECTION_EARNED_T


def test_the_correction_adds_two_columns_and_leaves_the_others_as_they_are() -> None:
    rows, _ = term_market(400, KNOWS, 0)
    full, term = (CurveEstimator(variant, RECIPE).fit(rows) for variant in (FULL, TERM))
    np.testing.assert_array_equal(term.logistic.slope[:-2], full.logistic.slope)
    np.testing.assert_array_equal(term.logistic.intercept, full.logistic.intercept)
    assert term.logistic.slope[-2] < -0.1
    at = slice(BEFORE, None)
    shift = term.log_odds(rows.of_variant(TERM)[at]) - full.log_odds(rows.of_variant(FULL)[at])
    np.testing.assert_allclose(shift, np.repeat(shift[:, :1], shift.shape[1], axis=1), atol=1e-12)
