"""The report's sums and drawings, on figures that are known: effects of features, money, opens, scales and lines."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from kronos.condor.spec import MULTIPLIERS, SD_MULTIPLIERS, CondorSpec
from kronos.features.variants import FULL, MINIMAL
from kronos.market.history import Floats, MarketHistory
from kronos.model.curve import CurveModel, Logistic, PiecewiseLinearCalibrator
from kronos.model.trees import StackedTrees, Trees
from kronos.report.effects import FoldModel, feature_effects, feature_groups, win_probability
from kronos.report.formats import tick
from kronos.report.opening_prices import opening_years
from kronos.report.svg import Drawing, Panel, Scale
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Predictions

AT_ONE = SD_MULTIPLIERS.index(1.0)
MINIMAL_COLUMNS = 7
IDENTITY = PiecewiseLinearCalibrator(np.array([-20.0, 20.0]), np.array([-20.0, 20.0]))


def falling_with_vix(vix: Floats) -> CurveModel:
    """Log-odds fall with log VIX and hear nothing of the weekday."""
    rest = np.zeros(MINIMAL_COLUMNS - 1)
    logistic = Logistic(
        mean=np.array([np.log(vix).mean(), *rest]),
        scale=np.array([np.log(vix).std(), *(rest + 1)]),
        slope=np.array([-1.0, *rest]),
        intercept=np.full(len(SD_MULTIPLIERS), 1.5),
        clip=10.0,
    )
    return CurveModel(MINIMAL, MULTIPLIERS, logistic, StackedTrees(staircase(np.linspace(-3, 6, 64))), IDENTITY)


def staircase(steps: Floats) -> Trees:
    """Trees of one split each, on the logistic's log-odds, that together follow them."""
    roots = 3 * np.arange(len(steps))
    column, threshold, value = np.zeros(3 * len(steps)), np.zeros(3 * len(steps)), np.zeros(3 * len(steps))
    left = np.arange(3 * len(steps))
    right = left.copy()
    column[roots], threshold[roots] = MINIMAL_COLUMNS + 1, steps
    left[roots], right[roots] = roots + 1, roots + 2
    value[roots + 2] = (steps[-1] - steps[0]) / len(steps)
    return Trees(
        baseline=float(steps[0]),
        roots=roots.astype(np.int32),
        column=column.astype(np.int32),
        threshold=threshold,
        left=left.astype(np.int32),
        right=right.astype(np.int32),
        value=value,
        depth=1,
    )


def test_effects_of_a_model_whose_workings_are_known() -> None:
    rng = np.random.default_rng(1)
    chosen = np.arange(2_000)
    vix = rng.uniform(10, 40, len(chosen))
    features = np.column_stack([vix, chosen % 5, vix / np.sqrt(252)])
    model = falling_with_vix(vix)
    source, days = np.zeros(len(chosen), dtype=np.int32), chosen.astype("datetime64[D]")
    rows = TrainingRows(MINIMAL.features, days, vix, vix, source, features, np.empty((len(chosen), 11)))
    truth = np.tile(win_probability(model, rows.of_variant(MINIMAL))[:, None], (1, 11))
    labels = np.tile((rng.random(len(chosen)) < truth[:, AT_ONE]).astype(float)[:, None], (1, 11))
    base = np.full_like(labels, labels.mean())
    tested = Predictions(replace(rows, labels=labels), truth[:, None], truth, truth, base, base, first_calibrated=0)

    found = {one.name: one for one in feature_effects(model, [FoldModel(model, chosen)], tested, chosen)}
    vix_effect, weekday = found["vix"], found["day_of_week"]
    assert tuple(feature.name for feature in vix_effect.features) == ("vix", "expected_move_pct")
    assert vix_effect.skill_lost_interval[0] > 0.02
    assert (np.diff(vix_effect.probability) <= 0).all()
    assert vix_effect.probability[0] - vix_effect.probability[-1] > 0.3
    np.testing.assert_array_equal(vix_effect.lowest, vix_effect.probability)
    assert [one.sessions for one in vix_effect.observed] == [400] * 5
    assert all(one.low < one.win_rate < one.high for one in vix_effect.observed)
    assert vix_effect.observed[0].win_rate > vix_effect.observed[-1].win_rate
    assert weekday.discrete
    assert weekday.skill_lost_interval == pytest.approx((0, 0), abs=1e-12)
    assert np.ptp(weekday.probability) < 1e-12
    assert [one.value for one in weekday.observed] == [0, 1, 2, 3, 4]


def test_features_that_are_one_on_two_scales_stay_together() -> None:
    assert feature_groups(MINIMAL) == [[0, 2], [1]]
    assert sorted(at for group in feature_groups(FULL) for at in group) == list(range(len(FULL.features)))


PRINTED = CondorSpec(label="printed_open")


def test_opens_that_lag_show(sample: MarketHistory) -> None:
    """An open that holds only half of the night leaves the other half to the day."""
    lagging = sample.columns
    before = np.concatenate([[np.nan], sample.spx_close[:-1]])
    rng = np.random.default_rng(0)
    night, day = rng.normal(0, 0.005, len(sample)), rng.normal(0, 0.005, len(sample))
    close = 2000 * np.exp(np.cumsum(night + day))
    before = np.concatenate([[np.nan], close[:-1]])
    for share, low, high in ((1.0, -0.2, 0.2), (0.5, 0.3, 0.6)):
        history = MarketHistory(
            sample.sessions, {**lagging, "spx_close": close, "spx_open": before * np.exp(share * night)}
        )
        years = list(opening_years(history, PRINTED, sample.sessions))
        assert [one.year for one in years] == [2014, 2015, 2016, 2017, 2018]
        assert all(low < one.carried_over < high for one in years)


def test_scales_and_their_ticks() -> None:
    assert Scale(0, 1, 100, 200).ticks(4) == [0, 0.25, 0.5, 0.75, 1]
    assert Scale(-0.07, 0.3, 0, 1).ticks(4) == [0, 0.1, 0.2, 0.3]
    assert Scale(0, 10, 0, 100).at(2.5) == 25
    assert [tick(value) for value in (0.025, -0.5, 20000.0)] == ["0.025", "\N{MINUS SIGN}0.5", "20000"]


def test_a_crowded_line_keeps_its_extremes() -> None:
    drawing = Drawing("crowd", 100, 100, "A crowd", "Ten thousand points")
    panel = Panel(drawing, (0, 0, 100, 100), (0, 9_999), (0, 1))
    values = np.full(10_000, 0.5)
    values[[1_234, 7_777]] = 1.0, 0.0
    values[5_000:5_400] = np.nan
    panel.line(np.arange(10_000), values, "model")
    drawn = drawing.root.find("path")
    assert drawn is not None
    path = drawn.get("d", "")
    assert len(path) < 4_000
    assert {"0", "100"} <= set(re.findall(r" ([\d.]+)", path))
    assert path.count("M") == 2
