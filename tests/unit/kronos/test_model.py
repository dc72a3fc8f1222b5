"""The served model: equal to scikit-learn, additive in its explanation, monotone, reproducible."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.isotonic import IsotonicRegression

from kronos.condor.spec import SD_MULTIPLIERS, CondorSpec
from kronos.errors import ArtefactError, TrainingRefusedError
from kronos.features.variants import VARIANTS, Variant
from kronos.model.artefact import Artefact, identity
from kronos.model.curve import never_decreasing
from kronos.model.model import Model
from kronos.training.export import TrainedModel, train
from kronos.training.rows import TrainingRows, rows_of


def values_of(rows: TrainingRows, at: int) -> dict[str, float]:
    return dict(zip((feature.name for feature in rows.known), rows.features[at], strict=True))


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_the_explanation_adds_up_to_the_log_odds(model: Model, sample_rows: TrainingRows, variant: Variant) -> None:
    chosen = model.variants[variant.name]
    complete = sample_rows.take(sample_rows.complete(variant))
    for at in range(0, len(complete), 97):
        values = values_of(complete, at)
        features = np.array([[values[name] for name in variant.feature_names]])
        for multiplier, column in ((0.6, 0), (1.0, 4), (1.6, 10)):
            prediction = model.predict(variant.name, values, multiplier)
            total = prediction.base_log_odds + sum(prediction.contributions.values())
            assert total == pytest.approx(chosen.curve_model.log_odds(features)[0, column], abs=1e-12)
            assert set(prediction.contributions) == set(variant.feature_names)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_curves_never_decrease_and_are_never_certain(model: Model, sample_rows: TrainingRows, variant: Variant) -> None:
    rows = sample_rows.take(sample_rows.complete(variant))
    served = model.variants[variant.name].curve_model
    curves = served.curve(rows.of_variant(variant))
    assert (np.diff(curves, axis=1) >= 0).all()
    assert (curves > 0).all()
    assert (curves < 1).all()
    wild = np.random.default_rng(0).normal(size=(500, len(variant.features))) * 50
    wild[:, 0] = np.abs(wild[:, 0]) + 5
    assert (np.diff(served.curve(wild), axis=1) >= 0).all()


@given(arrays(np.float64, (3, 11), elements=st.floats(0, 1)))
def test_the_projection_is_isotonic_regression(curves: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    expected = [IsotonicRegression().fit_transform(np.arange(11), row) for row in curves]
    np.testing.assert_allclose(never_decreasing(curves), expected, atol=1e-12)


def test_the_training_rows_travel_inside(sample_rows: TrainingRows, artefact: bytes) -> None:
    rows = rows_of(Artefact.from_bytes(artefact))
    np.testing.assert_array_equal(rows.sessions, sample_rows.sessions)
    np.testing.assert_array_equal(rows.features, sample_rows.features)
    np.testing.assert_array_equal(rows.labels, sample_rows.labels)


def test_identity_is_the_sha256_of_the_file(artefact: bytes) -> None:
    assert identity(artefact) == hashlib.sha256(artefact).hexdigest()


def test_no_single_flipped_byte_goes_unnoticed(artefact: bytes) -> None:
    for at in np.linspace(0, len(artefact) - 1, 200).astype(int):
        damaged = artefact[:at] + bytes([artefact[at] ^ 0x20]) + artefact[at + 1 :]
        with pytest.raises(ArtefactError):
            Model.from_bytes(damaged)


def test_without_skill_the_probability_is_the_base_rate(trained: TrainedModel, sample_rows: TrainingRows) -> None:
    manifest = json.loads(json.dumps(trained.artefact.manifest))
    for variant in manifest["variants"]:
        variant["metrics"]["brier_skill"] = -0.001
    model = Model.from_bytes(Artefact(manifest, trained.artefact.arrays).to_bytes())
    prediction = model.predict("full", values_of(sample_rows, 500), 1.0)
    assert not prediction.has_skill
    assert prediction.probability == prediction.base_rate
    np.testing.assert_array_equal(prediction.curve, model.base_rates)
    assert not prediction.contributions
    assert 1 / (1 + np.exp(-prediction.base_log_odds)) == pytest.approx(prediction.base_rate)


def test_between_grid_points_the_curve_is_linear(model: Model, sample_rows: TrainingRows) -> None:
    values = values_of(sample_rows, 500)
    prediction = model.predict("full", values, 1.05)
    assert prediction.probability == pytest.approx(prediction.curve[[4, 5]].mean(), abs=1e-12)
    assert SD_MULTIPLIERS[4] == 1.0


def test_too_few_sessions_or_breaches_are_refused_with_both_numbers(
    sample_rows: TrainingRows, spec: CondorSpec
) -> None:
    with pytest.raises(TrainingRefusedError, match=r"too few sessions .* 200 complete ones, 500 are needed"):
        train(sample_rows.take(slice(0, 200)), spec)
    calm = sample_rows.take(sample_rows.labels[:, 4] == 1.0)
    with pytest.raises(TrainingRefusedError, match=r"too few breaches .* 0 at multiplier 1.0, 30 are needed"):
        train(calm, spec)
