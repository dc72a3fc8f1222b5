"""Scores against SciPy and against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, rankdata

from kronos.statistics.calibration import calibration_band, expected_calibration_error, reliability_bins
from kronos.statistics.scores import (
    auc,
    average_ranks,
    log_loss,
    score,
)

SEVERAL = np.random.default_rng(0).random(50)


@pytest.mark.parametrize("values", [SEVERAL, np.floor(5 * SEVERAL), np.zeros(3), np.ones(1)])
def test_ranks_share_their_ties_as_scipy_does(values: np.ndarray) -> None:
    np.testing.assert_array_equal(average_ranks(values), rankdata(values))


def test_auc_by_hand() -> None:
    """Of the four pairs of a win and a loss two are in order, one is tied, one is not."""
    assert auc(np.array([0.9, 0.4, 0.4, 0.5]), np.array([1.0, 1.0, 0.0, 0.0])) == pytest.approx(2.5 / 4)
    assert auc(np.array([0.9, 0.4]), np.ones(2)) == 0.5


def test_log_loss_by_hand() -> None:
    assert log_loss(np.array([0.8, 0.25]), np.array([1.0, 0.0])) == pytest.approx(-(np.log(0.8) + np.log(0.75)) / 2)


def test_calibration_error_by_hand() -> None:
    """Two bins of two: 0.7 said and 0.5 won, 0.9 said and 1.0 won."""
    probability, won = np.array([0.8, 0.6, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    assert expected_calibration_error(probability, won, bins=2) == pytest.approx((0.2 + 0.1) / 2)


def test_bins_carry_wilson_intervals() -> None:
    probability, won = np.linspace(0.5, 0.9, 40), (np.arange(40) % 4 > 0).astype(float)
    bins = reliability_bins(probability, won, bins=3)
    assert [one.count for one in bins] == [14, 13, 13]
    first = binomtest(int(won[:14].sum()), 14).proportion_ci(method="wilson")
    assert (bins[0].win_rate_low, bins[0].win_rate_high) == pytest.approx(first, abs=1e-6)
    assert bins[0].mean_probability == pytest.approx(probability[:14].mean())


def test_the_band_holds_nineteen_in_twenty_calibrated_models() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.6, 0.98, 300)
    band = calibration_band(probability, np.random.default_rng(1))
    errors = [
        expected_calibration_error(probability, (rng.random(300) < probability).astype(float)) for _ in range(400)
    ]
    assert np.mean(np.array(errors) <= band) == pytest.approx(0.95, abs=0.03)


def test_probabilities_that_share_a_session_widen_the_band() -> None:
    probability, sessions = np.full(400, 0.8), np.repeat(np.arange(100), 4).astype("datetime64[D]")
    alone = calibration_band(probability, np.random.default_rng(1))
    shared = calibration_band(probability, np.random.default_rng(1), sessions=sessions)
    assert shared > 1.5 * alone


def test_a_few_trades_can_be_scored() -> None:
    scores = score(np.array([0.8, 0.7]), np.array([0.75, 0.75]), np.array([0.8, 0.8]), np.array([1.0, 0.0]))
    assert scores.brier == pytest.approx((0.04 + 0.49) / 2)
    assert sum(one.count for one in scores.bins) == 2
