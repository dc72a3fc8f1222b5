"""What skipped sessions would have made: the backtest's own money, and nothing where it cannot be known."""

from __future__ import annotations

import numpy as np
import pytest

from kronos.backtest import backtest
from kronos.backtest.skipped_sessions import model_condors
from kronos.condor.spec import CondorSpec
from kronos.condor.worlds import World
from kronos.market.history import MarketHistory

YEAR = slice(-60, None)


@pytest.mark.parametrize("spec", [CondorSpec(), CondorSpec("close", 1), CondorSpec("open", 3, "touch")])
def test_it_is_the_backtests_money_at_each_sessions_multiplier(sample: MarketHistory, spec: CondorSpec) -> None:
    whole = backtest(sample, spec, sd_multipliers=(0.8, 1.25))
    sessions = whole.sessions[YEAR]
    pick = np.arange(len(sessions)) % 2
    order = np.random.default_rng(0).permutation(len(sessions))
    found = model_condors(sample, spec, sessions[order], np.array([0.8, 1.25])[pick[order]])
    rows = np.arange(len(whole.sessions))[YEAR][order]
    sold = whole.trades.sold[rows, pick[order]]
    won = 1 - np.maximum(whole.put_breached, whole.call_breached)[rows, pick[order]]
    by_vix = found.net_pnl_dollars[World.VIX_ONLY]
    np.testing.assert_allclose(by_vix, np.where(sold, whole.net_pnl_dollars[rows, pick[order]], np.nan))
    np.testing.assert_array_equal(found.won, won)
    assert np.isnan(found.net_pnl_dollars[World.EFFICIENT]).all()
    assert sold.mean() > 0.6


def test_the_efficient_world_sells_at_the_fair_credit_that_was_said(sample: MarketHistory, spec: CondorSpec) -> None:
    whole = backtest(sample, spec, sd_multipliers=(1.0,))
    sessions, paid = whole.sessions[YEAR], whole.trades.endings.cost_points[YEAR, 0]
    fair = np.full(len(sessions), 0.9)
    fair[0], fair[1] = np.nan, 0.2
    found = model_condors(sample, spec, sessions, np.ones(len(sessions)), fair).net_pnl_dollars[World.EFFICIENT]
    assert np.isnan(found[:2]).all()
    np.testing.assert_allclose(found[2:], 100 * (0.9 - 0.3 - paid[2:]) - 2.6)


def test_sessions_without_bars_or_settlement_are_not_modelled(sample: MarketHistory, spec: CondorSpec) -> None:
    last = sample.sessions[-1]
    days = np.array([last - 5_000, last, last + 1, last + 400], dtype="datetime64[D]")
    held_three = model_condors(sample, CondorSpec("open", 3), days, np.ones(4))
    assert np.isnan(held_three.net_pnl_dollars[World.VIX_ONLY]).all()
    today = model_condors(sample, spec, days, np.ones(4))
    np.testing.assert_array_equal(np.isnan(today.net_pnl_dollars[World.SHORT_DATED]), [True, False, True, True])
    np.testing.assert_array_equal(np.isnan(today.won), [True, False, True, True])


def test_prints_that_lag_are_not_traded(sample: MarketHistory, spec: CondorSpec) -> None:
    columns = {name: column.copy() for name, column in sample.columns.items()}
    columns["spx_open"][1:] = sample.spx_close[:-1]
    columns["spy_open"][:] = np.nan
    stale = MarketHistory(sample.sessions, columns)
    assert np.isnan(model_condors(stale, spec, sample.sessions[-5:], np.ones(5)).won).all()


def test_no_history_and_no_sessions(sample: MarketHistory, spec: CondorSpec) -> None:
    assert np.isnan(model_condors(None, spec, sample.sessions[-2:], np.ones(2)).won).all()
    assert len(model_condors(sample, spec, sample.sessions[:0], np.ones(0)).won) == 0
