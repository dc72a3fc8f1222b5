"""Nothing that happens after entry changes a feature, a fold's score or a prediction made before it."""

from __future__ import annotations

import numpy as np
import pytest

from kronos.condor.spec import CondorSpec
from kronos.features.entries import Entries
from kronos.features.matrix import feature_matrix
from kronos.features.variants import CURRENT_FEATURES, FULL
from kronos.market.history import MarketHistory
from kronos.statistics.scores import score
from kronos.training.estimator import walk_variant
from kronos.training.rows import build_rows
from tests.support.recipes import QUICK

KNOWN_AT_THE_OPEN = ("spx_open", "vix_open")
AT_ONE = 4


def with_another_future(history: MarketHistory, spec: CondorSpec, entry: int, seed: int = 0) -> MarketHistory:
    """The same history to a trader entering on session `entry`, and any other bars from then on."""
    rng = np.random.default_rng(seed)
    factors = {index: rng.uniform(0.5, 2.0, len(history)) for index in ("spx", "vix")}
    columns = {}
    for name, column in history.columns.items():
        known_on_the_day = spec.entry == "close" or name in KNOWN_AT_THE_OPEN
        start = entry + 1 if known_on_the_day else entry
        columns[name] = column.copy()
        columns[name][start:] *= factors[name[:3]][start:]
    return MarketHistory(history.sessions, columns)


SPECS = [CondorSpec(), CondorSpec("open", 3), CondorSpec("close", 1), CondorSpec("close", 5)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.entry}-{spec.dte_sessions}")
def test_features_do_not_see_the_future(sample: MarketHistory, spec: CondorSpec) -> None:
    positions = np.arange(len(sample))
    features = feature_matrix(Entries.of_history(sample, spec, positions), CURRENT_FEATURES)
    for entry in range(60, len(sample), 37):
        other = with_another_future(sample, spec, entry, seed=entry)
        until = positions[: entry + 1]
        again = feature_matrix(Entries.of_history(other, spec, until), CURRENT_FEATURES)
        np.testing.assert_array_equal(again, features[: entry + 1])


def test_features_do_see_the_past(sample: MarketHistory, spec: CondorSpec) -> None:
    """The test above could not fail if features ignored the bars altogether."""
    positions = np.arange(len(sample))
    features = feature_matrix(Entries.of_history(sample, spec, positions), CURRENT_FEATURES)
    other = with_another_future(sample, spec, 500)
    again = feature_matrix(Entries.of_history(other, spec, positions), CURRENT_FEATURES)
    assert not np.array_equal(again[501], features[501])


@pytest.mark.parametrize("spec", [CondorSpec(), CondorSpec("close", 5)], ids=["open-0", "close-5"])
def test_predictions_and_scores_before_a_change_stay(sample: MarketHistory, spec: CondorSpec) -> None:
    """All sessions settled before the change are predicted, calibrated and scored as before."""
    rows, _ = build_rows(sample, spec)
    before = walk_variant(rows, FULL, spec.horizon_sessions, QUICK).predictions
    for entry in (700, 1000):
        other, _ = build_rows(with_another_future(sample, spec, entry), spec)
        after = walk_variant(other, FULL, spec.horizon_sessions, QUICK).predictions
        same = np.flatnonzero(before.rows.sessions <= sample.sessions[entry])
        assert len(same) > 100
        for name in ("log_odds", "probability", "climatology"):
            np.testing.assert_array_equal(getattr(after, name)[same], getattr(before, name)[same])
        settled = same[before.rows.sessions[same] < sample.sessions[entry - spec.dte_sessions]]
        settled = settled[settled >= before.first_calibrated]
        scores = [
            score(out.probability[settled, AT_ONE], out.climatology[settled, AT_ONE], out.rows.labels[settled, AT_ONE])
            for out in (before, after)
        ]
        assert scores[0] == scores[1]
        assert not np.array_equal(after.probability[same[-1] + 1 :], before.probability[same[-1] + 1 :])
