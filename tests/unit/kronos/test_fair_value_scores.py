"""Fair credits as forecasts of money: nothing of the future in them, and right where the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kronos.condor.labels import payouts, wins
from kronos.condor.spec import DEFAULT_COLUMN, CondorSpec
from kronos.condor.strikes import expected_move
from kronos.features.variants import MINIMAL
from kronos.market.history import MarketHistory
from kronos.training.estimator import walk_variant
from kronos.training.fair_value_scores import PayoutForecasts, forecast_payouts, score_fair_values
from kronos.training.rows import TrainingRows, build_rows
from tests.support.recipes import QUICK

SPEC = CondorSpec()


def forecasts(rows: TrainingRows, history: MarketHistory) -> PayoutForecasts:
    walk = walk_variant(rows, MINIMAL, SPEC.horizon_sessions, QUICK)
    found = forecast_payouts(walk.predictions, walk.tested, rows, history, SPEC)
    assert found is not None
    return found.take(walk.predictions.scored())


def test_a_fair_credit_knows_nothing_of_what_comes_later(sample: MarketHistory) -> None:
    """Bars that come later change nothing, and neither does the settlement of the session itself."""
    whole = forecasts(build_rows(sample, SPEC)[0], sample)
    cut = int(np.searchsorted(sample.sessions, whole.sessions[len(whole.sessions) // 2]))
    columns = {name: column.copy() for name, column in sample.bars.items()}
    for name in ("spx_high", "spx_low", "spx_close", "spy_high", "spy_low", "spy_close"):
        columns[name][cut:] *= 1.1 if name.endswith("close") else 1.0
    other = MarketHistory(sample.sessions, columns)
    again = forecasts(build_rows(other, SPEC)[0], other)
    before = whole.sessions < sample.sessions[cut]
    kept = np.isin(again.sessions, whole.sessions[before])
    assert before.sum() > 100
    for name in ("said", "by_recent_rates", "recent_payout"):
        np.testing.assert_array_equal(getattr(again, name)[kept], getattr(whole, name)[before])


def test_payouts_agree_with_labels(sample: MarketHistory) -> None:
    """A condor pays where it did not win, and only there; wider wings pay more."""
    paid, won = payouts(sample, SPEC, 10.0), wins(sample, SPEC)
    known = ~np.isnan(won)
    np.testing.assert_array_equal(np.isnan(paid), ~known)
    np.testing.assert_array_equal(paid[known] > 0, won[known] == 0)
    assert np.nanmax(paid) == 10.0
    assert (payouts(sample, SPEC, 25.0)[known] >= paid[known]).all()


def known_market(count: int = 20_000) -> PayoutForecasts:
    """Moves are exponential, on a scale that varies by session and is what was said."""
    rng = np.random.default_rng(1)
    multipliers, move = np.linspace(0.6, 1.6, 11), expected_move(2000.0, 16.0, 1)
    scale = np.exp(rng.normal(-0.9, 0.3, count))[:, None]
    moved = rng.exponential(scale)
    wing = 10.0 / move
    paid = np.clip(moved - multipliers, 0, wing) * move
    said = scale * (np.exp(-multipliers / scale) - np.exp(-(multipliers + wing) / scale)) * move
    usual = np.tile(said.mean(axis=0), (count, 1))
    return PayoutForecasts(np.arange(count).astype("datetime64[D]"), said, usual, usual, paid)


def test_scores_of_the_truth() -> None:
    market = known_market()
    scores = score_fair_values(market, 10.0)
    at_one = scores.by_multiplier["1.0"]
    assert at_one.bias_interval[0] < 0 < at_one.bias_interval[1]
    assert at_one.skill_recent_payout_interval[0] > 0
    assert at_one.said == pytest.approx(market.said[:, DEFAULT_COLUMN].mean())
    said = [tenth.said for tenth in scores.deciles]
    assert said == sorted(said)
    assert sum(tenth.sessions for tenth in scores.deciles) == len(market.said)
    inside = sum(tenth.paid_interval[0] <= tenth.said <= tenth.paid_interval[1] for tenth in scores.deciles)
    assert inside >= 8


def test_what_is_said_too_high_is_seen() -> None:
    market = known_market()
    scores = score_fair_values(replace(market, said=1.3 * market.said), 10.0)
    assert all(one.bias_interval[0] > 0 for one in scores.by_multiplier.values())


def test_a_condor_that_is_not_held_has_no_fair_credit(sample: MarketHistory, sample_rows: TrainingRows) -> None:
    walk = walk_variant(sample_rows, MINIMAL, 1, QUICK)
    touched = replace(SPEC, management="touch")
    assert forecast_payouts(walk.predictions, walk.tested, sample_rows, sample, touched) is None
