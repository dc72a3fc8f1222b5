"""The estimator's seam: fit, calibrate and walk are one, and another calibrator is one function more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kronos.condor.spec import MULTIPLIERS, CondorSpec
from kronos.features.variants import FULL, VARIANTS, Variant
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import Days
from kronos.model.curve import CurveModel, PiecewiseLinearCalibrator, never_decreasing
from kronos.model.log_odds import expit
from kronos.model.model import Model
from kronos.training.calibrate import CALIBRATORS
from kronos.training.estimator import IDENTITY, CurveEstimator, walk_variant
from kronos.training.export import train
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Walk
from tests.support.recipes import QUICK

GAP = 1
CAUTIOUS = PiecewiseLinearCalibrator(np.array([-10.0, 0.0, 10.0]), np.array([-5.0, 0.2, 5.0]))


@pytest.fixture(scope="module")
def walk(sample_rows: TrainingRows) -> Walk[CurveModel]:
    return walk_variant(sample_rows, FULL, GAP, QUICK)


def fit_cautiously(_sessions: Days, _log_odds: Floats, _labels: Floats, _recipe: Recipe) -> PiecewiseLinearCalibrator:
    """Half as sure as the model."""
    return CAUTIOUS


def test_the_models_of_a_walk_give_its_predictions_again(walk: Walk[CurveModel]) -> None:
    predictions = walk.predictions
    assert np.concatenate(walk.tested).tolist() == list(range(len(predictions.rows)))
    assert len(walk.models) == len(walk.tested) > 2
    for model, tested in zip(walk.models, walk.tested, strict=True):
        features = predictions.rows.of_variant(FULL)[tested]
        np.testing.assert_array_equal(model.log_odds(features).reshape(len(tested), -1), predictions.log_odds[tested])
        np.testing.assert_array_equal(model.curve(features), predictions.probability[tested])


def test_the_first_model_has_nothing_to_be_calibrated_on(walk: Walk[CurveModel]) -> None:
    assert walk.models[0].calibrator is IDENTITY
    assert all(model.calibrator is not IDENTITY for model in walk.models[1:])
    assert walk.predictions.first_calibrated == len(walk.tested[0])


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_fit_is_the_uncalibrated_fit_of_complete_rows_and_the_calibration(
    sample_rows: TrainingRows, walk: Walk[CurveModel], variant: Variant
) -> None:
    estimator, complete = CurveEstimator(variant, QUICK), sample_rows.take(sample_rows.complete(variant))
    assert len(complete) < len(sample_rows) or variant.name == "minimal"
    raw = estimator.fit_uncalibrated(complete)
    in_steps = estimator.calibrate(raw, walk.predictions)
    at_once = estimator.fit(sample_rows, walk.predictions)
    features = complete.of_variant(variant)
    np.testing.assert_array_equal(at_once.curve(features), in_steps.curve(features))
    assert not np.array_equal(at_once.curve(features), raw.curve(features))
    np.testing.assert_array_equal(estimator.fit(sample_rows).curve(features), raw.curve(features))
    assert estimator.calibrate(raw, None) is raw


def test_another_calibrator_goes_through_walk_export_and_artefact(
    sample: MarketHistory,
    sample_rows: TrainingRows,
    spec: CondorSpec,
    walk: Walk[CurveModel],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One function, named in the recipe."""
    monkeypatch.setitem(CALIBRATORS, "cautious", fit_cautiously)
    recipe = replace(QUICK, calibrator="cautious")
    cautious = walk_variant(sample_rows, FULL, GAP, recipe)
    np.testing.assert_array_equal(cautious.predictions.log_odds, walk.predictions.log_odds)
    scored = cautious.predictions.scored()
    by_hand = expit(np.interp(cautious.predictions.log_odds[scored], [-10, 0, 10], [-5, 0.2, 5]))
    np.testing.assert_allclose(cautious.predictions.probability[scored], never_decreasing(by_hand), atol=1e-12)

    trained = train(sample_rows, spec, sample, recipe=recipe)
    np.testing.assert_array_equal(trained.predictions["full"].probability, cautious.predictions.probability)
    assert trained.artefact.manifest["recipe"]["calibrator"] == "cautious"
    model = Model.from_bytes(trained.artefact.to_bytes())
    np.testing.assert_array_equal(model.multipliers, MULTIPLIERS)
    for served in model.variants.values():
        np.testing.assert_array_equal(served.curve_model.calibrator.raw, CAUTIOUS.raw)
        np.testing.assert_array_equal(served.curve_model.calibrator.calibrated, CAUTIOUS.calibrated)
