"""Feature drift: PSI by hand, and verdicts that few or slowly moving values do not trip."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kronos.errors import ArtefactError
from kronos.features.variants import CURRENT_FEATURES
from kronos.model.drift import TrainingValues, training_values
from kronos.model.model import Model
from kronos.training.export import TrainedModel
from kronos.training.rows import TrainingRows

NORMAL = np.random.default_rng(0).normal(0, 1, 1_000)


def slow(count: int, seed: int) -> np.ndarray:
    """A series that remembers: correlated 0.98 from day to day, as volatility is."""
    noise, values = np.random.default_rng(seed).normal(0, 1, count), [0.0]
    for step in noise:
        values.append(0.98 * values[-1] + step)
    return np.array(values[1:])


def test_psi_by_hand() -> None:
    """Training 1..100 in ten bins of ten; live has 30 of 60 in the lowest, the rest in the highest."""
    live = np.array([1.0] * 30 + [100.0] * 30)
    drift = TrainingValues.of(np.arange(1.0, 101.0)).drift(live)
    expected = 10.5 / 105
    many, none = 30.5 / 65, 0.5 / 65
    by_hand = 2 * (many - expected) * math.log(many / expected) + 8 * (none - expected) * math.log(none / expected)
    assert drift.psi == pytest.approx(by_hand)
    assert drift.mean_shift == pytest.approx((50.5 - 50.5) / np.arange(1.0, 101.0).std())


def test_a_discrete_feature_has_a_bin_a_value() -> None:
    weekdays = TrainingValues.of(np.tile(np.arange(5.0), 200))
    np.testing.assert_array_equal(weekdays.edges, np.arange(5.0))
    assert weekdays.drift(np.tile(np.arange(5.0), 20)).psi < 0.01
    assert weekdays.drift(np.full(60, 2.0)).verdict == "shifted"


@pytest.mark.parametrize(("count", "verdict"), [(1, "too_few"), (49, "too_few"), (50, "shifted")])
def test_few_sessions_get_no_verdict(count: int, verdict: str) -> None:
    assert TrainingValues.of(NORMAL).drift(np.full(count, 9.0)).verdict == verdict


def test_values_like_the_training_rows_are_ok() -> None:
    training, rng = TrainingValues.of(NORMAL), np.random.default_rng(1)
    verdicts = [training.drift(rng.normal(0, 1, 60)).verdict for _ in range(100)]
    assert verdicts.count("ok") > 85
    assert verdicts.count("shifted") < 5


def test_a_slow_series_is_judged_by_its_own_stretches() -> None:
    """Sixty days of it never look like all of training: usual limits would cry wolf every time."""
    series = slow(4_000, seed=1)
    training = TrainingValues.of(series[:3_000])
    drifts = [training.drift(series[start : start + 60]) for start in range(3_000, 3_900, 60)]
    assert all(one.psi > 0.25 for one in drifts)
    assert sum(one.verdict == "ok" for one in drifts) > 10
    beyond = training.drift(series[3_000:3_060] + 40)
    assert (beyond.verdict, beyond.outside_range) == ("shifted", 1.0)


def test_a_feature_that_never_varied_is_compared_too() -> None:
    constant = TrainingValues.of(np.zeros(500))
    assert constant.drift(np.zeros(100)).verdict == "ok"
    moved = constant.drift(np.ones(100))
    assert (moved.verdict, moved.mean_shift) == ("shifted", None)


def test_a_feature_that_varied_by_next_to_nothing_has_no_shift() -> None:
    values = np.zeros(500)
    values[0] = 1e-300
    assert TrainingValues.of(values).drift(np.full(60, 1e8)).mean_shift is None


def test_more_live_values_than_training_rows_can_be_compared() -> None:
    drift = TrainingValues.of(NORMAL[:80]).drift(NORMAL[500:])
    assert np.isfinite([drift.psi, drift.watch_above, drift.shifted_above]).all()


def test_a_model_knows_the_distribution_of_its_own_rows(model: Model, sample_rows: TrainingRows) -> None:
    assert set(model.training_values) == {feature.name for feature in CURRENT_FEATURES}
    vix = sample_rows.features[:, 0]
    assert model.training_values["vix"].mean == pytest.approx(vix.mean())
    np.testing.assert_allclose(model.training_values["vix"].edges, np.quantile(vix, np.arange(1, 10) / 10), rtol=0.01)


def test_unknown_values_are_left_out_and_no_rows_give_nothing(trained: TrainedModel) -> None:
    rows = np.full((3, len(CURRENT_FEATURES)), np.nan)
    rows[1:, 0] = 17.0
    found = training_values({"rows/features": rows}, CURRENT_FEATURES)
    assert set(found) == {"vix"}
    assert len(found["vix"].bins) == 2
    assert training_values({}, CURRENT_FEATURES) == {}
    assert training_values({"rows/features": rows[:0]}, CURRENT_FEATURES) == {}


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_values_that_no_market_has_are_refused(value: float) -> None:
    rows = np.full((3, len(CURRENT_FEATURES)), 1.0)
    rows[1, 2] = value
    with pytest.raises(ArtefactError):
        training_values({"rows/features": rows}, CURRENT_FEATURES)
