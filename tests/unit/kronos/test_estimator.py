"""The estimator's seam: fit, calibrate and walk are one, and another calibrator is one function more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kronos.condor.entry import PriceSource
from kronos.condor.spec import DEFAULT_COLUMN, MULTIPLIERS, CondorSpec, Entry, shortest_dte
from kronos.errors import TrainingRefusedError
from kronos.features.variants import FULL, VARIANTS, Variant
from kronos.market.history import Floats, MarketHistory
from kronos.model.curve import PiecewiseLinearCalibrator, never_decreasing
from kronos.model.log_odds import expit
from kronos.model.model import Model
from kronos.statistics.intervals import t_statistic
from kronos.training.calibrate import CALIBRATORS
from kronos.training.estimator import IDENTITY, CurveEstimator, StagedModel, learnable, walk_variant
from kronos.training.export import train
from kronos.training.recipe import DEFAULT_RECIPES, Recipe
from kronos.training.rows import TrainingRows, build_rows
from kronos.training.walk_forward import Walk, WalkForward
from tests.support.recipes import QUICK

GAP = 1
CAUTIOUS = PiecewiseLinearCalibrator(np.array([-10.0, 0.0, 10.0]), np.array([-5.0, 0.2, 5.0]))


@pytest.fixture(scope="module")
def walk(sample_rows: TrainingRows) -> Walk[StagedModel]:
    return walk_variant(sample_rows, FULL, GAP, QUICK)


def fit_cautiously(_log_odds: Floats, _labels: Floats, _weights: Floats, _recipe: Recipe) -> PiecewiseLinearCalibrator:
    """Half as sure as the model."""
    return CAUTIOUS


def test_the_models_of_a_walk_give_its_predictions_again(walk: Walk[StagedModel]) -> None:
    predictions = walk.predictions
    assert np.concatenate(walk.tested).tolist() == list(range(len(predictions.rows)))
    assert len(walk.models) == len(walk.tested) > 2
    for model, tested in zip(walk.models, walk.tested, strict=True):
        features = predictions.rows.of_variant(FULL)[tested]
        np.testing.assert_array_equal(model.staged_log_odds(features), predictions.log_odds[tested])
        staged = predictions.log_odds[tested, model.chosen]
        np.testing.assert_allclose(model.model.log_odds(features), staged, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(model.curve(features), predictions.probability[tested])


def test_the_first_model_has_nothing_to_be_calibrated_on(walk: Walk[StagedModel]) -> None:
    assert walk.models[0].model.calibrator is IDENTITY
    assert all(staged.model.calibrator is not IDENTITY for staged in walk.models[1:])
    assert walk.predictions.first_calibrated == len(walk.tested[0])


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_fit_is_the_uncalibrated_fit_of_complete_rows_and_the_calibration(
    sample_rows: TrainingRows, walk: Walk[StagedModel], variant: Variant
) -> None:
    estimator, complete = CurveEstimator(variant, QUICK), sample_rows.take(learnable(sample_rows, variant))
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
    walk: Walk[StagedModel],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One function, named in the recipe."""
    monkeypatch.setitem(CALIBRATORS, "cautious", fit_cautiously)
    recipe = replace(QUICK, calibrator="cautious")
    cautious = walk_variant(sample_rows, FULL, GAP, recipe)
    np.testing.assert_array_equal(cautious.predictions.log_odds, walk.predictions.log_odds)
    scored = cautious.predictions.scored()
    by_hand = expit(np.interp(cautious.predictions.levelled[scored], [-10, 0, 10], [-5, 0.2, 5]))
    np.testing.assert_allclose(cautious.predictions.probability[scored], never_decreasing(by_hand), atol=1e-12)

    trained = train(sample_rows, spec, sample, recipe=recipe)
    np.testing.assert_array_equal(trained.predictions["full"].probability, cautious.predictions.probability)
    assert trained.artefact.manifest["recipe"]["calibrator"] == "cautious"
    model = Model.from_bytes(trained.artefact.to_bytes())
    np.testing.assert_array_equal(model.multipliers, MULTIPLIERS)
    for served in model.variants.values():
        np.testing.assert_allclose(np.diff(served.curve_model.calibrator.raw), np.diff(CAUTIOUS.raw))
        np.testing.assert_array_equal(served.curve_model.calibrator.calibrated, CAUTIOUS.calibrated)


def test_a_history_that_leaves_nothing_to_score_is_refused(sample_rows: TrainingRows, spec: CondorSpec) -> None:
    late = replace(sample_rows, source=np.full(len(sample_rows), PriceSource.SPY_IMPLIED_LATE, dtype=np.int32))
    with pytest.raises(TrainingRefusedError, match="no session is left to score variant minimal on"):
        train(late, spec, recipe=QUICK)
    never = replace(QUICK, walk_forward=WalkForward(min_train_sessions=len(sample_rows), fold_sessions=100))
    with pytest.raises(TrainingRefusedError, match="too few sessions to test variant full"):
        walk_variant(sample_rows, FULL, GAP, never)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@pytest.mark.parametrize("entry", ["open", "close"])
def test_no_variant_is_below_the_logistic_regression_it_starts_from(
    sample: MarketHistory, entry: Entry, variant: Variant
) -> None:
    """Beyond noise: paired over sessions, at multiplier 1.0 and in log loss over all."""
    spec = CondorSpec(entry, shortest_dte(entry))
    tested = walk_variant(build_rows(sample, spec)[0], variant, GAP, DEFAULT_RECIPES[entry]).predictions
    scored = tested.scored()
    won, start, ours = tested.rows.labels[scored], expit(tested.log_odds[scored, 0]), tested.probability[scored]
    brier = [(probability[:, DEFAULT_COLUMN] - won[:, DEFAULT_COLUMN]) ** 2 for probability in (start, ours)]
    log_loss = [-np.log(np.where(won == 1, one, 1 - one)).mean(axis=1) for one in (start, ours)]
    for losses in (brier, log_loss):
        assert t_statistic(losses[0] - losses[1]) > -2
