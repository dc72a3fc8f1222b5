"""Nothing that happens after entry changes a feature, a fold's score or a prediction made before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kronos.condor.spec import CondorSpec
from kronos.features.entries import Entries
from kronos.features.matrix import feature_matrix, features_at_entry
from kronos.features.variants import CURRENT_FEATURES, FULL
from kronos.market.history import FAMILIES, MarketHistory, family_of
from kronos.retraining.reported_trades import ReportedTrade, join_trades
from kronos.statistics.scores import score
from kronos.training.estimator import walk_variant
from kronos.training.rows import build_rows
from tests.support.recipes import QUICK

KNOWN_AT_THE_OPEN = ("spx_open", "vix_open", "spy_open")
AT_ONE = 4


def with_another_future(history: MarketHistory, spec: CondorSpec, entry: int, seed: int = 0) -> MarketHistory:
    """The same history to a trader entering on session `entry`, and any other bars from then on."""
    rng = np.random.default_rng(seed)
    factors = {family.name: rng.uniform(0.5, 2.0, len(history)) for family in FAMILIES}
    columns = {}
    for name, column in history.columns.items():
        known_on_the_day = spec.entry == "close" or name in KNOWN_AT_THE_OPEN
        start = entry + 1 if known_on_the_day else entry
        columns[name] = column.copy()
        columns[name][start:] *= factors[family_of(name).name][start:]
    return MarketHistory(history.sessions, columns)


SPECS = [CondorSpec(), CondorSpec("open", 3), CondorSpec("close", 1), CondorSpec("close", 5)]
SPECS += [replace(spec, management="touch") for spec in SPECS]


def name_of(spec: CondorSpec) -> str:
    return f"{spec.entry}-{spec.dte_sessions}-{spec.management}"


@pytest.mark.parametrize("spec", SPECS, ids=name_of)
def test_features_do_not_see_the_future(sample: MarketHistory, spec: CondorSpec) -> None:
    positions = np.arange(len(sample))
    features = feature_matrix(Entries.of_history(sample, spec, positions), CURRENT_FEATURES)
    for entry in range(60, len(sample), 37):
        other = with_another_future(sample, spec, entry, seed=entry)
        until = positions[: entry + 1]
        again = feature_matrix(Entries.of_history(other, spec, until), CURRENT_FEATURES)
        np.testing.assert_array_equal(again, features[: entry + 1])


@pytest.mark.parametrize("spec", SPECS, ids=name_of)
def test_what_a_live_trader_knows_is_what_training_saw(sample: MarketHistory, spec: CondorSpec) -> None:
    """Live, only the lookback's bars are read, and nothing of the session itself but its price and VIX."""
    entries = Entries.of_history(sample, spec, np.arange(len(sample)))
    trained_on = feature_matrix(entries, CURRENT_FEATURES)
    for at in range(260, len(sample), 41):
        day, price, vix = sample.sessions[at].item(), float(entries.price[at]), float(entries.vix[at])
        live = features_at_entry(sample, spec, day, price, vix, CURRENT_FEATURES)
        found = [live.get(feature.name, np.nan) for feature in CURRENT_FEATURES]
        np.testing.assert_allclose(found, trained_on[at], rtol=1e-12)


def test_rows_of_reported_trades_do_not_see_the_future(sample: MarketHistory, spec: CondorSpec) -> None:
    """Whether or not the report says at what price; without one, the bar's would tell the day's close."""
    at = 900
    day = sample.sessions[at].item()
    moved = {name: column.copy() for name, column in sample.columns.items()}
    for name in ("spx_high", "spx_close", "spy_high", "spy_low", "vix_close"):
        moved[name][at:] *= 1.01
    other = MarketHistory(sample.sessions, moved)
    silent = ReportedTrade(day, "MAX_PROFIT", 1.0)
    for trade in (silent, replace(silent, price=float(sample.spx_open[at]))):
        before, after = (join_trades([trade], history, spec).rows for history in (sample, other))
        assert len(before) == len(after) == (trade.price is not None)
        np.testing.assert_array_equal(before.features, after.features)
    assert not np.array_equal(build_rows(sample, spec)[0].labels, build_rows(other, spec)[0].labels)


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
    for entry in (900, 1000):
        other, _ = build_rows(with_another_future(sample, spec, entry), spec)
        after = walk_variant(other, FULL, spec.horizon_sessions, QUICK).predictions
        same = np.flatnonzero(before.rows.sessions <= sample.sessions[entry])
        assert len(same) > 100
        for name in ("log_odds", "probability", "climatology", "recent"):
            np.testing.assert_array_equal(getattr(after, name)[same], getattr(before, name)[same])
        settled = same[before.rows.sessions[same] < sample.sessions[entry - spec.dte_sessions]]
        settled = settled[settled >= before.first_calibrated]
        scores = [
            score(*(of[settled, AT_ONE] for of in (out.probability, out.climatology, out.recent, out.rows.labels)))
            for out in (before, after)
        ]
        assert scores[0] == scores[1]
        assert not np.array_equal(after.probability[same[-1] + 1 :], before.probability[same[-1] + 1 :])
