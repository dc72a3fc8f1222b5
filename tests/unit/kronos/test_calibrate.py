"""The calibrator: levels that have moved are followed, levels that have not are left alone, no block is certain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from kronos.condor.spec import MULTIPLIERS
from kronos.market.history import Floats
from kronos.market.sessions import Days, exchange_sessions
from kronos.training.calibrate import fit_isotonic, fit_level
from kronos.training.recipe import Level, Recipe

LEVEL, RECIPE = Level(), Recipe()


def market(count: int, moved_for: int, shift: float, seed: int) -> tuple[Days, Floats, Floats]:
    """Sessions, log-odds, and labels whose true log-odds are higher by `shift` in the last `moved_for` sessions."""
    rng = np.random.default_rng(seed)
    log_odds = (1.6 + 0.4 * rng.normal(size=count))[:, None] + 3 * np.log(MULTIPLIERS)
    moved = shift * (np.arange(count) >= count - moved_for)
    labels = (rng.random((count, 1)) < expit(log_odds + moved[:, None])).astype(float)
    return exchange_sessions().days[:count], log_odds, labels


def test_a_level_that_has_not_moved_is_mostly_left_alone() -> None:
    shifts = [fit_level(*market(2_000, 0, 0.0, seed), LEVEL) for seed in range(40)]
    assert np.mean(np.array(shifts) == 0) > 0.75
    assert np.abs(shifts).mean() < 0.03


def test_a_level_that_moved_a_year_ago_is_followed_most_of_the_way() -> None:
    shifts = [fit_level(*market(2_000, 252, 0.8, seed), LEVEL) for seed in range(20)]
    assert 0.1 < np.mean(shifts) < 0.8
    long_ago = [fit_level(*market(2_000, 1_000, 0.8, seed), LEVEL) for seed in range(20)]
    assert 0.45 < np.mean(long_ago) < 0.8
    assert np.mean([fit_level(*market(2_000, 1_000, -0.8, seed), LEVEL) for seed in range(20)]) < -0.45


def test_without_a_threshold_it_is_the_likeliest_shift() -> None:
    days, log_odds, labels = market(4_000, 4_000, 0.3, 0)
    whole = Level(half_life_years=1e6, standard_errors=0.0)
    shift = fit_level(days, log_odds, labels, whole)
    assert (expit(log_odds + shift) - labels).mean() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("labels", [0.0, 1.0])
def test_a_stretch_of_wins_or_losses_alone_gives_a_finite_shift(labels: float) -> None:
    days, log_odds, won = market(60, 0, 0.0, 0)
    assert abs(fit_level(days, log_odds, np.full_like(won, labels), LEVEL)) < 20


def test_labels_that_are_not_known_count_for_nothing() -> None:
    days, log_odds, labels = market(500, 500, 1.0, 0)
    hidden = np.where(np.arange(500)[:, None] % 2 == 0, np.nan, labels)
    kept = np.arange(500) % 2 == 1
    seen = fit_level(days, log_odds, hidden, Level(1e6, 0.0))
    assert seen == pytest.approx(fit_level(days[kept], log_odds[kept], labels[kept], Level(1e6, 0.0)))
    calibrator = fit_isotonic(log_odds, hidden, np.ones(500), RECIPE)
    again = fit_isotonic(log_odds[kept], labels[kept], np.ones(250), RECIPE)
    shared = np.linspace(-1, 5, 20)
    np.testing.assert_allclose(calibrator.probability(shared), again.probability(shared), atol=1e-9)


def test_a_session_of_weight_two_counts_as_two() -> None:
    _, log_odds, labels = market(400, 0, 0.0, 2)
    coarse = replace(RECIPE, calibration_bins=5)
    weighted = fit_isotonic(log_odds, labels, np.full(400, 2.0), coarse)
    repeated = fit_isotonic(log_odds.repeat(2, axis=0), labels.repeat(2, axis=0), np.ones(800), coarse)
    grid = np.linspace(-1, 5, 50)
    np.testing.assert_allclose(weighted.probability(grid), repeated.probability(grid), atol=1e-12)


def test_the_sessions_that_weigh_more_decide() -> None:
    _, log_odds, labels = market(800, 400, 1.5, 2)
    newer = np.arange(800) >= 400
    decided = fit_isotonic(log_odds, labels, np.where(newer, 1.0, 0.01), RECIPE).probability(log_odds)
    alone = fit_isotonic(log_odds[newer], labels[newer], np.ones(400), RECIPE).probability(log_odds)
    equal = fit_isotonic(log_odds, labels, np.ones(800), RECIPE).probability(log_odds)
    assert np.abs(decided - alone).mean() < 0.5 * np.abs(equal - alone).mean()


def test_no_block_is_certain_and_one_session_does_not_drag_the_curve() -> None:
    """The most probable session alone was lost: its block is drawn to the model, and its neighbours stay."""
    _, log_odds, labels = market(1_500, 0, 0.0, 1)
    order = np.argsort(log_odds[:, 4])
    honest = fit_isotonic(log_odds, labels, np.ones(1_500), RECIPE)
    labels[order[-1]] = 0.0
    spoiled = fit_isotonic(log_odds, labels, np.ones(1_500), RECIPE)
    grid = np.linspace(-2, 6, 100)
    assert (spoiled.probability(grid) > 0).all()
    assert (spoiled.probability(grid) < 1).all()
    assert (np.diff(spoiled.calibrated) >= 0).all()
    np.testing.assert_allclose(spoiled.probability(grid), honest.probability(grid), atol=0.02)
