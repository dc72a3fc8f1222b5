"""Live calibration: calibrated models stay inside their intervals, others do not, few trades say little."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from kronos.statistics.live_calibration import LivePredictions, LiveScores, live_scores, wins_interval

START = np.datetime64("2018-01-02")


def days(count: int) -> np.ndarray:
    return START + np.arange(count)


def said(
    probability: np.ndarray, won: np.ndarray, base_rate: float = 0.8, recent_rate: float = np.nan
) -> LivePredictions:
    base, recent = np.full(len(won), base_rate), np.full(len(won), recent_rate)
    return LivePredictions(days(len(won)), probability, base, recent, won.astype(float))


def scores_of(found: LivePredictions) -> LiveScores:
    scores = live_scores(found)
    assert scores is not None
    return scores


def simulated(count: int, seed: int, bias: float = 0.0) -> LivePredictions:
    """Probabilities that are true when `bias` is 0, and too high by it otherwise."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.6, 0.95, count)
    return said(np.minimum(truth + bias, 0.99), rng.random(count) < truth)


def test_nothing_said_has_no_scores() -> None:
    assert live_scores(said(np.empty(0), np.empty(0))) is None


def test_figures_by_hand() -> None:
    scores = scores_of(said(np.array([0.9, 0.6]), np.array([1.0, 0.0])))
    assert (scores.observations, scores.sessions, scores.wins, scores.win_rate) == (2, 2, 1, 0.5)
    assert scores.mean_probability == pytest.approx(0.75)
    assert scores.expected_wins == pytest.approx(1.5)
    assert scores.brier == pytest.approx((0.01 + 0.36) / 2)
    assert scores.base_rate_brier == pytest.approx((0.04 + 0.64) / 2)
    assert scores.brier_skill == pytest.approx(1 - 0.37 / 0.68)
    assert scores.log_loss == pytest.approx(-(math.log(0.9) + math.log(0.4)) / 2)
    assert scores.base_rate_log_loss == pytest.approx(-(math.log(0.8) + math.log(0.2)) / 2)
    assert scores.brier_skill_interval is None
    assert len(scores.bins) == 1


@pytest.mark.parametrize(("count", "bins"), [(1, 1), (19, 1), (20, 2), (57, 5), (100, 10), (1_000, 10)])
def test_a_bin_holds_about_ten_trades_or_more(count: int, bins: int) -> None:
    assert len(scores_of(simulated(count, 0)).bins) == bins


def test_calibrated_models_stay_inside_as_often_as_stated() -> None:
    runs = [scores_of(simulated(150, seed)) for seed in range(100)]
    inside = [low <= run.wins <= high for run in runs for low, high in [run.expected_wins_interval]]
    assert np.mean(inside) > 0.93
    assert np.mean([run.ece <= run.ece_band for run in runs]) == pytest.approx(0.95, abs=0.05)


def test_probabilities_too_high_are_found_out() -> None:
    scores = scores_of(simulated(500, 0, bias=0.08))
    assert scores.wins < scores.expected_wins_interval[0]
    assert scores.ece > scores.ece_band


def test_skill_and_its_interval() -> None:
    scores = scores_of(simulated(2_000, 0))
    assert scores.brier_skill is not None
    assert scores.brier_skill_interval is not None
    low, high = scores.brier_skill_interval
    assert 0 < low < scores.brier_skill < high


def test_the_recent_rate_is_a_reference_of_its_own() -> None:
    scores = scores_of(said(np.array([0.9, 0.6]), np.array([1.0, 0.0]), recent_rate=0.7))
    assert scores.recent_observations == 2
    assert scores.mean_recent_rate == pytest.approx(0.7)
    assert scores.recent_rate_brier == pytest.approx((0.09 + 0.49) / 2)
    assert scores.brier_skill_recent == pytest.approx(1 - 0.37 / 0.58)
    assert scores.brier_skill_recent_interval is None


def test_without_recent_rates_there_are_no_recent_figures() -> None:
    scores = scores_of(simulated(100, 0))
    assert scores.brier_skill_interval is not None
    assert scores.recent_observations == 0
    assert scores.mean_recent_rate is None
    assert scores.recent_rate_brier is None
    assert scores.brier_skill_recent is None
    assert scores.brier_skill_recent_interval is None


def test_recent_figures_compare_both_where_the_recent_rate_is_known() -> None:
    """Where it is not known the probabilities are poor: that is not held against them here."""
    good = simulated(400, 0)
    rate, probability = good.base_rate.copy(), good.probability.copy()
    rate[:200], probability[:200] = np.nan, 0.1
    part = scores_of(LivePredictions(good.sessions, probability, good.base_rate, rate, good.won))
    alone = scores_of(LivePredictions(*(each[200:] for each in vars(good).values())))
    assert part.recent_observations == 200
    assert part.brier_skill_recent == pytest.approx(alone.brier_skill)
    assert part.recent_rate_brier == pytest.approx(alone.base_rate_brier)
    assert part.brier_skill is not None
    assert part.brier_skill < 0


def test_a_level_that_has_drifted_is_no_skill() -> None:
    """A model that only knows today's level beats the whole window's rate, and not the recent one."""
    rng = np.random.default_rng(0)
    scores = scores_of(said(np.full(1_500, 0.7), rng.random(1_500) < 0.7, base_rate=0.85, recent_rate=0.69))
    assert scores.brier_skill is not None
    assert scores.brier_skill > 0.05
    assert scores.brier_skill_recent == pytest.approx(0, abs=0.002)
    assert scores.brier_skill_recent_interval is not None
    low, high = scores.brier_skill_recent_interval
    assert low < 0 < high


def test_overlapping_condors_win_together_less_often_than_the_interval_allows_for() -> None:
    """Two condors a session, each nearer on one side: the settlement breaches the one or the other, never both."""
    rng = np.random.default_rng(0)
    put_nearer = np.array([[0.15, 0.05], [0.05, 0.15]])
    drawn = rng.random((5_000, 300, 1))
    losses = (drawn < put_nearer[:, 0]) | (drawn > 1 - put_nearer[:, 1])
    low, high = wins_interval(np.repeat(days(300), 2), np.full(600, 0.8))
    inside = np.quantile((~losses).sum(axis=(1, 2)), [0.025, 0.975])
    assert low <= inside[0]
    assert inside[1] <= high


def test_one_probability_a_session_gives_the_binomial_interval() -> None:
    low, high = wins_interval(days(50), np.full(50, 0.85))
    assert (low, high) == tuple(binom(50, 0.85).ppf([0.025, 0.975]))


def test_the_multipliers_of_a_session_win_together() -> None:
    """At 0.8 and 0.9 in one session the farther wins whenever the nearer does: 0, 1, 2 wins at 0.1, 0.1, 0.8."""
    probability = np.tile([0.8, 0.9], 300)
    rng = np.random.default_rng(0)
    drawn = (rng.random((20_000, 300, 1)) < np.array([0.8, 0.9])).sum(axis=(1, 2))
    low, high = wins_interval(np.repeat(days(300), 2), probability)
    assert (low, high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=1)


def test_the_order_of_the_observations_changes_nothing() -> None:
    found = simulated(100, 3)
    order = np.random.default_rng(1).permutation(100)
    assert wins_interval(found.sessions[order], found.probability[order]) == wins_interval(
        found.sessions, found.probability
    )


def test_a_certainty_that_was_wrong_has_no_finite_loss() -> None:
    scores = scores_of(said(np.array([1.0, 0.9]), np.array([0.0, 1.0]), base_rate=1.0))
    assert scores.log_loss is None
    assert scores.base_rate_log_loss is None
    assert scores.brier == pytest.approx((1 + 0.01) / 2)


def test_base_rates_that_were_never_wrong_leave_no_skill() -> None:
    assert scores_of(said(np.array([0.9]), np.array([1.0]), base_rate=1.0)).brier_skill is None


@pytest.mark.parametrize(("wins", "losses", "has_one"), [(5, 5, True), (40, 4, False), (4, 40, False), (40, 5, True)])
def test_an_interval_of_the_skill_needs_five_of_each_outcome(wins: int, losses: int, has_one: bool) -> None:
    won = np.array([1.0] * wins + [0.0] * losses)
    scores = scores_of(said(np.linspace(0.6, 0.9, len(won)), won))
    assert (scores.brier_skill_interval is not None) == has_one
