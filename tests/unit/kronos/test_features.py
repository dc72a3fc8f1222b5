"""The features, by hand on a few sessions and against their definitions."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from kronos.condor.entry import entry_vix
from kronos.condor.labels import wins
from kronos.condor.spec import CondorSpec, Entry
from kronos.features.matrix import features_at_entry, history_at_entry
from kronos.features.registry import declared
from kronos.features.retired import RETIRED
from kronos.features.variants import CURRENT_FEATURES, FULL, GUIDE_ORDER, MARKET, MINIMAL, TERM
from kronos.market.history import MarketHistory
from kronos.model.curve import design_matrix

SESSION = date(2018, 12, 20)
PRICE, VIX = 2496.77, 25.58


@pytest.fixture
def values(sample: MarketHistory, spec: CondorSpec) -> dict[str, float]:
    return features_at_entry(sample, spec, SESSION, PRICE, VIX, CURRENT_FEATURES)


def before(sample: MarketHistory, session: date, days: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Sessions of the `days` calendar days before a session."""
    day = np.datetime64(session)
    return np.asarray((sample.sessions < day) & (sample.sessions >= day - days))


def test_minimal_needs_three_fields_market_is_the_guides_seven_and_full_stands_on_its_own() -> None:
    assert MINIMAL.feature_names == ("vix", "day_of_week", "expected_move_pct")
    assert set(MINIMAL.features) < set(MARKET.features)
    assert MARKET.feature_names == GUIDE_ORDER
    assert not set(MARKET.features) <= set(FULL.features)
    assert {"vix", "day_of_week", "vix_change_1d"} <= set(FULL.feature_names)
    assert "price" not in FULL.feature_names


def test_term_corrects_full_with_what_it_adds() -> None:
    assert TERM.corrects is FULL
    assert TERM.features == FULL.features + TERM.added
    assert [feature.name for feature in TERM.added] == ["vix9d_over_vix", "vix3m_over_vix"]


def test_what_only_old_models_use_is_in_no_variant() -> None:
    retired = {feature for module in RETIRED for feature in declared() if feature.compute.__module__ == module.__name__}
    assert {"realised_5_over_implied", "holidays_ahead"} <= {feature.name for feature in retired}
    assert not any(feature.variants for feature in retired)
    assert set(CURRENT_FEATURES) == set(declared()) - retired


def test_changes_are_of_the_last_two_closes_before_entry(sample: MarketHistory, values: dict[str, float]) -> None:
    last, before_last = np.flatnonzero(sample.sessions < np.datetime64(SESSION))[[-1, -2]]
    assert str(sample.sessions[last]) == "2018-12-19"
    assert values["price_change_1d"] == pytest.approx(
        100 * (sample.spx_close[last] / sample.spx_close[before_last] - 1)
    )
    assert values["vix_change_1d"] == pytest.approx(100 * (sample.vix_close[last] / sample.vix_close[before_last] - 1))


def test_the_percentile_counts_closes_of_30_calendar_days_with_ties_half(
    sample: MarketHistory, spec: CondorSpec
) -> None:
    closes = sample.vix_close[before(sample, SESSION, 30)]
    tied = float(closes[3])
    expected = 100 * ((closes < tied).sum() + 0.5 * (closes == tied).sum()) / len(closes)
    values = features_at_entry(sample, spec, SESSION, PRICE, tied, CURRENT_FEATURES)
    assert values["vix_percentile_30d"] == pytest.approx(expected)


def test_the_win_rate_is_the_markets_shrunk(sample: MarketHistory, spec: CondorSpec, values: dict[str, float]) -> None:
    won = wins(sample, spec, [1.0])[before(sample, SESSION, 30), 0]
    assert values["win_rate_30d"] == pytest.approx((won.sum() + 8) / (len(won) + 10))


def test_a_trade_of_several_sessions_counts_when_it_settles(sample: MarketHistory) -> None:
    spec = CondorSpec("open", 3)
    settled = np.flatnonzero(before(sample, SESSION, 30))
    won = wins(sample, spec, [1.0])[settled - 3, 0]
    values = features_at_entry(sample, spec, SESSION, PRICE, VIX, CURRENT_FEATURES)
    assert values["win_rate_30d"] == pytest.approx((won.sum() + 8) / (len(won) + 10))


def test_the_expected_move_is_in_percent_of_the_price(values: dict[str, float]) -> None:
    assert values["expected_move_pct"] == pytest.approx(VIX / np.sqrt(252))
    longer = features_at_entry(None, CondorSpec("close", 4), SESSION, PRICE, VIX, CURRENT_FEATURES)
    assert longer["expected_move_pct"] == pytest.approx(VIX * np.sqrt(4 / 252))


def test_a_missing_bar_in_the_window_makes_features_absent_not_wrong(sample: MarketHistory, spec: CondorSpec) -> None:
    hole = np.flatnonzero(before(sample, SESSION, 30))[5]
    columns = {name: column.copy() for name, column in sample.columns.items()}
    for column in columns.values():
        column[hole] = np.nan
    values = features_at_entry(MarketHistory(sample.sessions, columns), spec, SESSION, PRICE, VIX, CURRENT_FEATURES)
    assert {"vix_percentile_30d", "win_rate_30d"}.isdisjoint(values)
    assert "price_change_1d" in values


BESIDE_THEM = {f"{one}_{price}" for one in ("spy", "vix9d", "vix3m") for price in ("open", "high", "low", "close")}


@pytest.mark.parametrize(
    ("entry", "known"),
    [
        ("open", []),
        ("close", ["spx_open", "spx_close", "spx_high", "spx_low", "vix_close", *sorted(BESIDE_THEM)]),
    ],
)
def test_a_live_trader_sees_what_the_entry_session_has_shown_so_far(
    sample: MarketHistory, entry: Entry, known: list[str]
) -> None:
    """Nothing of it at the open; all of it at the close, with the price and VIX that the bot sends."""
    seen = history_at_entry(sample, CondorSpec(entry, 1), sample.sessions[100:110], 1234.5, 67.8)
    last = {name: float(column[-1]) for name, column in seen.columns.items()}
    assert {name for name, value in last.items() if not np.isnan(value)} == set(known)
    assert not np.isnan(seen.spx_open[:-1]).any()
    if known:
        assert (last["spx_close"], last["vix_close"]) == (1234.5, 67.8)
        assert last["spx_high"] == sample.spx_high[109]


OF_THE_CALENDAR = {"fomc_days", "jobs_days", "half_days", "month_begins", "month_ends"}


def test_without_bars_only_the_three_fields_and_the_calendar_speak(spec: CondorSpec) -> None:
    values = features_at_entry(None, spec, SESSION, PRICE, VIX, CURRENT_FEATURES)
    assert set(values) == {*MINIMAL.feature_names, *OF_THE_CALENDAR}
    assert values["day_of_week"] == 3


def test_the_model_cannot_read_an_order_into_the_weekday() -> None:
    rows = np.array([[20.0, day, 1.26] for day in range(5)])
    design = design_matrix(MINIMAL.features, rows)
    np.testing.assert_array_equal(design[:, 1:6], np.eye(5))


def test_the_entry_vix_is_its_open_where_known_else_the_close_before(sample: MarketHistory, spec: CondorSpec) -> None:
    assert np.isnan(sample.vix_open).all()
    np.testing.assert_array_equal(entry_vix(sample, spec)[1:], sample.vix_close[:-1])
    opened = np.concatenate([sample.vix_close[:1], sample.vix_close[:-1] * 1.1])
    opens = MarketHistory(sample.sessions, {**sample.columns, "vix_open": opened})
    np.testing.assert_array_equal(entry_vix(opens, spec), opened)
