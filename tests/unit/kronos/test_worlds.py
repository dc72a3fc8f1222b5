"""The worlds of price: what they know, what they cannot know, and what a choice of sessions earns in each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from kronos.backtest import BY_SHORT_DATED, BY_VIX, FairPrices, backtest
from kronos.backtest.trades import sell
from kronos.condor.entry import entry_vix
from kronos.condor.short_dated import VIX1D_SHARE, VIX9D_OVER_VIX, short_dated_index
from kronos.condor.spec import DEFAULT_COLUMN, SD_MULTIPLIERS, CondorSpec
from kronos.features.variants import MARKET
from kronos.market.history import MarketHistory
from kronos.statistics.intervals import t_statistic
from kronos.training.estimator import walk_variant
from kronos.training.rows import build_rows
from kronos.training.worlds import FREE, efficient_prices, fair_prices, walked_prices
from tests.support.bars import bars
from tests.support.evaluation import evaluation_history, needs_evaluation_data
from tests.support.recipes import QUICK

OPEN, CLOSE = CondorSpec(), CondorSpec("close", 1)


def market(days: int = 60, **columns: float) -> MarketHistory:
    """A flat market with constant indices."""
    history = bars([2000.0] * days, start=date(2018, 1, 2))
    return history_with(history, **columns)


def history_with(history: MarketHistory, **columns: float) -> MarketHistory:
    changed = {name: np.full(len(history), value) for name, value in columns.items()}
    return MarketHistory(history.sessions, {**history.bars, **changed})


def test_vix9d_at_entry_is_the_short_dated_index() -> None:
    history = market(vix9d_open=14.0, vix9d_close=15.0)
    assert (short_dated_index(history, OPEN) == 14.0).all()
    assert (short_dated_index(history, CLOSE) == 15.0).all()
    without_open = history_with(history, vix9d_open=np.nan)
    np.testing.assert_array_equal(short_dated_index(without_open, OPEN)[1:], 15.0)


def test_vix1d_comes_first_for_trades_of_a_session() -> None:
    history = market(vix9d_open=14.0, vix9d_close=14.0, vix1d_open=9.0, vix1d_close=8.0)
    assert short_dated_index(history, OPEN) == pytest.approx(9.0 / VIX1D_SHARE["open"])
    assert short_dated_index(history, CLOSE) == pytest.approx(8.0 / VIX1D_SHARE["close"])
    assert (short_dated_index(history, CondorSpec("open", 1)) == 14.0).all()


def test_without_them_vix_and_its_past_tell_the_ratio() -> None:
    """Nothing has moved for a month, and VIX stands where it stood: the volatility is taken for 1."""
    history = market(vix_open=20.0, vix_close=20.0)
    constant, _, by_moves = VIX9D_OVER_VIX["open"]
    expected = 20.0 * np.exp(constant + by_moves * np.log(1 / 20.0))
    assert short_dated_index(history, OPEN)[-1] == pytest.approx(expected)


def test_a_trade_of_a_month_is_priced_by_vix() -> None:
    history = market(vix9d_open=14.0, vix9d_close=14.0)
    vix = entry_vix(history, OPEN)[-1]
    assert short_dated_index(history, CondorSpec("open", 20))[-1] == pytest.approx(vix)
    between = short_dated_index(history, CondorSpec("open", 12))[-1]
    assert min(14.0, vix) < between < max(14.0, vix)


@pytest.mark.parametrize("spec", [OPEN, CLOSE])
def test_the_short_dated_index_knows_nothing_after_entry(sample: MarketHistory, spec: CondorSpec) -> None:
    whole = short_dated_index(sample, spec)
    for cut in range(50, len(sample), 97):
        columns = {name: column.copy() for name, column in sample.bars.items()}
        for name, column in columns.items():
            known = spec.entry == "close" or name.endswith("_open")
            column[cut + known :] *= 1.3
        again = short_dated_index(MarketHistory(sample.sessions, columns), spec)
        np.testing.assert_array_equal(again[: cut + 1], whole[: cut + 1])


def fair(history: MarketHistory, spec: CondorSpec = OPEN) -> FairPrices:
    rows = build_rows(history, spec)[0]
    walk = walk_variant(rows, MARKET, spec.horizon_sessions, QUICK)
    found = fair_prices(walk.predictions, walk.tested, rows, history, spec)
    assert found is not None
    return found


def test_the_efficient_world_pays_in_total_what_the_short_dated_one_does(sample: MarketHistory) -> None:
    efficient = efficient_prices(fair(sample), sample, OPEN)
    positions = np.flatnonzero(efficient.covers(sample.sessions))
    theirs, ours = (
        sell(sample, positions, OPEN, FREE, SD_MULTIPLIERS, prices).credit_points
        for prices in (BY_SHORT_DATED, efficient)
    )
    np.testing.assert_allclose(ours.sum(axis=0), theirs.sum(axis=0), rtol=1e-9)
    assert np.abs(efficient.premium).max() < 0.5


def test_its_credits_are_proportional_to_what_the_curves_say(sample: MarketHistory) -> None:
    plain = fair(sample)
    dear = replace(plain, premium=0.2)
    positions = np.flatnonzero(plain.covers(sample.sessions))[:200]
    fairs, credits_of = (
        sell(sample, positions, OPEN, FREE, SD_MULTIPLIERS, prices).credit_points for prices in (plain, dear)
    )
    np.testing.assert_allclose(credits_of, 1.2 * fairs, rtol=1e-12)
    assert (np.diff(fairs, axis=1) <= 1e-12).all()


def test_sessions_that_were_not_predicted_have_no_price(sample: MarketHistory) -> None:
    plain = fair(sample)
    result = backtest(sample, OPEN, prices=plain)
    assert result.sessions[0] == plain.sessions[0]
    assert not np.isnan(result.trades.credit_points).any()


def test_what_is_not_held_has_no_fair_price(sample: MarketHistory) -> None:
    assert walked_prices(sample, replace(OPEN, management="touch")) is None


@needs_evaluation_data
def test_choosing_sessions_earns_about_nothing_where_the_market_is_as_clever() -> None:
    """And where it looks at VIX alone, the same choice seems to earn a lot: that is what flatters.

    Before costs, as costs are the same on every session. The gain is of a session's P&L over what its world pays on
    average, weighted by how far its probability lies from the mean.
    """
    history = evaluation_history()
    rows = build_rows(history, CLOSE)[0]
    walk = walk_variant(rows, MARKET, 1, QUICK)
    tested = walk.predictions
    plain = fair_prices(tested, walk.tested, rows, history, CLOSE)
    assert plain is not None
    scored = tested.scored()
    positions = np.searchsorted(history.sessions, tested.rows.sessions[scored])
    confidence = (tested.probability - tested.recent)[scored, DEFAULT_COLUMN]
    gains = {}
    for prices in (BY_VIX, BY_SHORT_DATED, efficient_prices(plain, history, CLOSE, (1.0,))):
        gross = sell(history, positions, CLOSE, FREE, (1.0,), prices).net_pnl_dollars[:, 0]
        gains[prices.source] = (confidence - confidence.mean()) * (gross - gross.mean())
    t_values = {source: t_statistic(gain) for source, gain in gains.items()}
    assert abs(t_values["efficient"]) < 2
    assert t_values["vix_only"] > 2
    assert gains["efficient"].mean() < gains["short_dated"].mean() < gains["vix_only"].mean()
