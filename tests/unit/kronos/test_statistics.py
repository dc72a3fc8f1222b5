"""Intervals, ratios and scores: equal to SciPy and scikit-learn, to arithmetic by hand, and to each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rich.table import Table
from scipy import stats
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

from kronos.backtest.account import Account
from kronos.commands import tables
from kronos.features.variants import MINIMAL
from kronos.market.history import Floats
from kronos.statistics import scores
from kronos.statistics.calibration import calibration_band, expected_calibration_error, joint_bands
from kronos.statistics.decomposition import decompose, isotonic
from kronos.statistics.intervals import (
    NORMAL_ONE_SIDED,
    NORMAL_TWO_SIDED,
    bootstrap_counts,
    central,
    mean_error,
    skill_interval,
    standard_error,
    t_statistic,
    upper_bound_of_mean,
    wilson,
)
from kronos.statistics.ratios import loss_from_peak, sharpe, sortino
from kronos.statistics.scores import SCORES, Forecasts, Score, score
from kronos.training.rows import TrainingRows

VALUES = np.random.default_rng(0).normal(0.3, 2.0, 60)


def forecasts(count: int = 400) -> tuple[Floats, Floats, Floats, Floats]:
    """Probabilities, a base rate, a recent one, and what came of them."""
    rng = np.random.default_rng(1)
    probability = rng.uniform(0.5, 0.95, count)
    base, recent = np.full(count, 0.72), np.full(count, 0.75)
    return probability, base, recent, (rng.random(count) < probability).astype(float)


def independent(gain: Floats) -> float:
    """The t value of gains that do not follow one another."""
    return float(stats.ttest_1samp(gain, 0).statistic)


@pytest.mark.parametrize(("wins", "count"), [(0, 1), (1, 1), (3, 4), (0, 50), (50, 50), (37, 50), (800, 1_000)])
def test_wilson_intervals_are_scipys(wins: int, count: int) -> None:
    expected = stats.binomtest(wins, count).proportion_ci(0.95, method="wilson")
    assert wilson(wins, count) == pytest.approx(expected, abs=1e-6)


def test_normal_quantiles_are_scipys() -> None:
    assert pytest.approx(stats.norm.ppf(0.975), abs=1e-6) == NORMAL_TWO_SIDED
    assert pytest.approx(stats.norm.ppf(0.95), abs=1e-6) == NORMAL_ONE_SIDED


def test_the_upper_bound_of_a_mean_is_students() -> None:
    few = VALUES[:11]
    low, high = stats.ttest_1samp(few, 0, alternative="less").confidence_interval(0.95)
    assert low == -np.inf
    assert upper_bound_of_mean(few) == pytest.approx(high, abs=2e-3)
    assert upper_bound_of_mean(np.array([1.0, 1.0])) == 1.0


def test_the_error_of_a_mean_is_half_its_interval() -> None:
    few = VALUES[:11]
    low, high = stats.norm.interval(0.95, few.mean(), stats.sem(few))
    assert mean_error(few) == pytest.approx((high - low) / 2, rel=1e-6)
    assert mean_error(np.array([5.0])) == 0
    assert mean_error(np.array([4.0, 6.0])) == pytest.approx(1.959964)


def test_the_t_statistic_is_scipys() -> None:
    assert t_statistic(VALUES[:11]) == pytest.approx(independent(VALUES[:11]))
    assert t_statistic(np.array([2.0, 2.0])) == 0
    assert t_statistic(np.array([2.0])) == 0


def test_the_central_share_leaves_a_fortieth_on_each_side() -> None:
    assert central(np.arange(0.0, 1_001.0)) == pytest.approx((25, 975))


def test_the_standard_error_is_newey_and_wests_by_hand() -> None:
    """Thirty values of a slow wave: one lag for twelve, so two, which weigh 2/3 and 1/3."""
    values = np.array([1.0, 1, 1, 1, 1, -1, -1, -1, -1, -1] * 3)
    covariances = [30.0, sum(values[1:] * values[:-1]), sum(values[2:] * values[:-2])]
    variance = covariances[0] + 2 * (2 / 3 * covariances[1] + 1 / 3 * covariances[2])
    assert covariances == [30, 19, 8]
    assert standard_error(values) == pytest.approx(math.sqrt(variance / 29 / 30))


def test_the_standard_error_knows_that_values_follow_one_another() -> None:
    """Of an autoregression of 0.5 the mean varies three times as much as if its values were independent."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(300, 1_000))
    walks = np.zeros_like(noise)
    for at in range(1, 1_000):
        walks[:, at] = 0.5 * walks[:, at - 1] + noise[:, at]
    stated = np.mean([standard_error(walk) ** 2 for walk in walks])
    assert stated == pytest.approx(walks.mean(axis=1).var(), rel=0.2)
    assert stated > 2.2 * np.mean([walk.var() / 1_000 for walk in walks])


def test_blocks_of_a_month_are_drawn_whole() -> None:
    counts = bootstrap_counts(210, np.random.default_rng(0))
    assert counts.shape == (1_000, 210)
    np.testing.assert_array_equal(counts.sum(axis=1), 210)
    assert np.corrcoef(counts[:, 100], counts[:, 101])[0, 1] > 0.9
    assert abs(np.corrcoef(counts[:, 80], counts[:, 130])[0, 1]) < 0.2
    assert bootstrap_counts(2, np.random.default_rng(0)).sum(axis=1).tolist() == [2] * 1_000


def test_the_decomposition_adds_up_and_its_fit_is_scikit_learns() -> None:
    probability, _, _, won = forecasts()
    found = decompose(probability, won)
    assert found.miscalibration - found.discrimination + found.uncertainty == pytest.approx(
        metrics.brier_score_loss(won, probability)
    )
    assert min(found) > 0
    tied = np.round(probability, 1)
    np.testing.assert_allclose(isotonic(tied, won), IsotonicRegression().fit_transform(tied, won), atol=1e-12)
    assert decompose(np.full(400, won.mean()), won)[:2] == pytest.approx((0, 0), abs=1e-12)


def test_the_joint_bands_hold_all_multipliers_at_once_in_nineteen_of_twenty_samples() -> None:
    rng = np.random.default_rng(0)
    curves = np.sort(rng.uniform(0.6, 0.99, (300, 5)), axis=1)
    bands = joint_bands(curves, np.random.default_rng(1))
    inside, alone = [], []
    for _ in range(400):
        won = (rng.random((300, 1)) < curves).astype(float)
        errors = [expected_calibration_error(curves[:, at], won[:, at]) for at in range(5)]
        inside.append((errors <= bands).all())
        alone.append(errors[2] <= bands[2])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
    assert np.mean(alone) > 0.97


def test_the_bootstrap_of_the_skill_is_scipys() -> None:
    probability, climatology, _, won = forecasts()
    ours, reference = (probability - won) ** 2, (climatology - won) ** 2
    expected = stats.bootstrap(
        (ours, reference),
        lambda a, b, axis: 1 - a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=4_000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert skill_interval(ours, reference, np.random.default_rng(0)) == pytest.approx(expected, abs=0.03)


def test_sharpe_and_sortino_by_hand() -> None:
    """Mean 1; squared deviations 9 + 1 + 1 + 9; squared losses 4 + 0 + 0 + 0."""
    returns = np.array([-2.0, 0.0, 2.0, 4.0])
    assert sharpe(returns) == pytest.approx(1 / math.sqrt(20 / 3) * math.sqrt(252))
    assert sortino(returns) == pytest.approx(1 / math.sqrt(4 / 4) * math.sqrt(252))
    assert sharpe(100 * returns) == pytest.approx(sharpe(returns))


@pytest.mark.parametrize("returns", [[], [0.01], [0.0, 0.0, 0.0]])
def test_returns_without_any_spread_have_no_ratio(returns: list[float]) -> None:
    assert sharpe(np.array(returns)) is None
    assert sortino(np.array(returns)) is None


def test_returns_without_losses_have_no_sortino() -> None:
    assert sortino(np.array([0.01, 0.02])) is None
    assert sharpe(np.array([0.01, 0.02])) == pytest.approx(0.015 / math.sqrt(0.00005) * math.sqrt(252))


def test_losses_from_the_peak_by_hand() -> None:
    """From 10 down to 8, a new peak of 15, down to 9; each column has a peak of its own."""
    equity = np.array([[8.0, 11.0], [12.0, 10.0], [15.0, 12.0], [9.0, 13.0]])
    np.testing.assert_array_equal(loss_from_peak(equity, 10.0), [[2, 0], [0, 1], [0, 0], [6, 0]])
    np.testing.assert_array_equal(loss_from_peak(equity[:, 0], 0.0), [0, 0, 0, 6])


def test_an_account_has_the_one_sharpe_of_its_returns() -> None:
    pnl = np.array([[500.0], [-1_200.0], [0.0], [800.0], [-50.0]])
    equity = 100_000 + np.cumsum(pnl, axis=0)
    account = Account(
        days=np.arange(5).astype("datetime64[D]"),
        contracts=np.ones((5, 1), dtype=np.int64),
        too_small=np.zeros((5, 1), dtype=bool),
        pnl_dollars=pnl,
        equity_dollars=equity,
        start_dollars=100_000.0,
    )
    returns = account.daily_returns[:, 0]
    np.testing.assert_allclose(returns, [0.005, -1_200 / 100_500, 0, 800 / 99_300, -50 / 100_100])
    assert (sharpe(returns), sortino(returns)) == (account.sharpe(0), account.sortino(0))
    assert account.drawdown.max() == pytest.approx(1_200 / 100_500)


def test_scores_are_scikit_learns() -> None:
    probability, climatology, recent, won = forecasts()
    found = score(probability, climatology, recent, won)
    assert found.brier == pytest.approx(metrics.brier_score_loss(won, probability))
    assert found.log_loss == pytest.approx(metrics.log_loss(won, probability))
    assert found.auc == pytest.approx(metrics.roc_auc_score(won, probability))
    assert found.accuracy == pytest.approx(metrics.accuracy_score(won, probability >= 0.5))
    reference = metrics.brier_score_loss(won, climatology)
    assert found.brier_skill == pytest.approx(1 - found.brier / reference)
    gain = (climatology - won) ** 2 - (probability - won) ** 2
    assert found.brier_skill_t == pytest.approx(independent(gain), rel=0.3)
    at_recent = metrics.brier_score_loss(won, recent)
    assert found.brier_skill_recent == pytest.approx(1 - found.brier / at_recent)
    assert found.values["uncertainty"] == pytest.approx(won.mean() * (1 - won.mean()))
    low, high = found.brier_skill_interval
    assert low < found.brier_skill < high
    assert (found.sessions, found.base_rate) == (400, won.mean())


def test_the_band_of_two_even_chances_by_hand() -> None:
    """In one bin the gap is a half, one time in two, and else none; of one forecast it is always a half."""
    assert calibration_band(np.array([0.5, 0.5]), np.random.default_rng(0), bins=1) == 0.5
    assert calibration_band(np.array([0.5]), np.random.default_rng(0)) == 0.5


@pytest.mark.parametrize("one", SCORES, ids=lambda one: one.name)
def test_a_score_says_its_name_its_unit_its_better_direction_and_its_meaning(one: Score) -> None:
    assert [other.name for other in SCORES].count(one.name) == 1
    assert one.unit in {"", "nats"}
    assert one.better in {"lower", "higher", None}
    assert len(one.meaning) > 10
    value = score(*forecasts()).values[one.name]
    assert np.isfinite(value).all()
    assert "nan" not in one.shown(value)


@pytest.mark.parametrize("one", [one for one in SCORES if one.better is not None], ids=lambda one: one.name)
def test_the_better_direction_is_the_better_one(one: Score) -> None:
    """Forecasts that know, beside some that know less."""
    probability, climatology, recent, won = forecasts()
    known = one.of(Forecasts(probability, climatology, recent, won, np.random.default_rng(0)))
    worse = one.of(Forecasts(1.2 - probability, climatology, recent, won, np.random.default_rng(0)))
    assert isinstance(known, float)
    assert isinstance(worse, float)
    assert known > worse if one.better == "higher" else known < worse


def cells(table: Table) -> dict[str, list[str]]:
    return {str(column.header): [str(cell) for cell in column.cells] for column in table.columns}


def test_a_score_that_is_added_appears_in_the_json_and_in_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    def boldness(of: Forecasts) -> float:
        return float(np.abs(of.probability - of.climatology).mean())

    added = Score("boldness", "", None, "mean distance from climatology", boldness, label="bold", form=".2f")
    for module in (scores, tables):
        monkeypatch.setattr(module, "SCORES", (*SCORES, added))
    probability, climatology, recent, won = forecasts(60)
    found = score(probability, climatology, recent, won)
    expected = float(np.abs(probability - 0.72).mean())
    assert found.as_dict()["boldness"] == pytest.approx(expected)
    assert "bins" not in found.as_dict(with_bins=False)
    days, nothing = np.arange(60).astype("datetime64[D]"), np.empty((60, 0))
    source = np.zeros(60, dtype=np.int32)
    rows = TrainingRows(MINIMAL.features[:0], days, probability, probability, source, nothing, nothing)
    shown = cells(tables.training_table(rows, {"full": found}))
    assert shown["bold"] == [f"{expected:.2f}"]
    assert shown["Brier"] == [f"{found.brier:.4f}"]
    assert [one.label for one in (*SCORES, added) if one.label] == list(shown)[2:]
