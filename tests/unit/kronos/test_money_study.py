"""Accounts by hand in each world of price, and a policy that learns from nothing but the past."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kronos.condor.spec import CondorSpec
from kronos.condor.worlds import World
from kronos.features.variants import MARKET
from kronos.market.history import MarketHistory
from kronos.statistics.ratios import sharpe
from kronos.training.estimator import walk_variant
from kronos.training.money_study import ALWAYS, POLICY, MoneyStudy, study_money
from kronos.training.policy_fit import shipped_policy
from kronos.training.rows import TrainingRows, build_rows
from tests.support.recipes import QUICK

SPEC = CondorSpec()


def studied(history: MarketHistory, rows: TrainingRows) -> MoneyStudy:
    walk = walk_variant(rows, MARKET, 1, QUICK)
    tested = walk.predictions
    return study_money(tested, walk.tested, tested.scored(), rows, history, SPEC)


@pytest.fixture(scope="module")
def study(sample: MarketHistory, sample_rows: TrainingRows) -> MoneyStudy:
    return studied(sample, sample_rows)


@pytest.mark.parametrize("world", World)
def test_an_account_by_hand(study: MoneyStudy, world: World) -> None:
    """One session after the other: what is risked, what comes of it, the deepest fall from a peak."""
    found = {one.rule: one for one in study.accounts if one.world is world}
    trades = study.worlds[world]
    for rule, column in ((ALWAYS, 0), ("skip VIX above 20", 0), ("always at 1.3", 1)):
        equity, peak, drawdown, returns, pnls = 1.0, 1.0, 0.0, [], []
        for row in range(len(study.sessions)):
            traded = study.rules[rule][row] > 0 and trades.sold[row, column]
            net, worst = trades.net_pnl_dollars[row, column], trades.worst_loss_dollars[row, column]
            pnls += [net] if traded else []
            returns.append(study.risk_pct / 100 * net / worst if traded else 0.0)
            equity *= 1 + returns[-1]
            peak = max(peak, equity)
            drawdown = max(drawdown, 1 - equity / peak)
        one = found[rule]
        assert one.sessions == len(returns)
        assert one.traded_share == pytest.approx(len(pnls) / len(returns))
        assert one.pnl_dollars == pytest.approx(np.mean(pnls))
        assert one.growth_pct == pytest.approx(100 * (equity ** (252 / len(returns)) - 1))
        assert one.max_drawdown_pct == pytest.approx(100 * drawdown)
        assert one.sharpe == pytest.approx(sharpe(np.array(returns)))
        worst_twentieth = sorted(returns)[: round(len(returns) / 20)]
        assert one.shortfall_pct == pytest.approx(100 * np.mean(worst_twentieth))
        assert one.pnl_interval is not None
        assert one.pnl_interval[0] < np.mean(pnls) < one.pnl_interval[1]
        assert one.growth_interval[0] < one.growth_pct < one.growth_interval[1]


def test_the_worlds_differ_only_in_what_they_pay(study: MoneyStudy) -> None:
    strikes = [trades.strikes for trades in study.worlds.values()]
    for other in strikes[1:]:
        for ours, theirs in zip(strikes[0], other, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    totals = [np.nansum(study.worlds[world].credit_points, axis=0) for world in (World.SHORT_DATED, World.EFFICIENT)]
    np.testing.assert_allclose(totals[0], totals[1], rtol=1e-9)


def test_edges_are_before_costs_and_by_year(study: MoneyStudy) -> None:
    for world, (mean, error) in study.edges.items():
        trades = study.worlds[world]
        gross = 100 * (trades.credit_points + 0.30 - trades.endings.cost_points)[:, 0]
        assert mean == pytest.approx(gross.mean())
        assert error > 0
        years = study.sessions.astype("datetime64[Y]")
        for year, edges in study.edges_by_year.items():
            assert edges[world][0] == pytest.approx(gross[years == np.datetime64(year)].mean())


def test_the_policy_learns_only_from_what_had_settled(sample: MarketHistory, sample_rows: TrainingRows) -> None:
    """Whatever happens from some session on, what the policy did before stays."""
    study = studied(sample, sample_rows)
    cut = int(np.searchsorted(sample.sessions, study.sessions[len(study.sessions) // 2]))
    columns = {name: column.copy() for name, column in sample.bars.items()}
    for name in ("spx_close", "spy_close"):
        columns[name][cut:] *= 1.02
    other = MarketHistory(sample.sessions, columns)
    again = studied(other, build_rows(other, SPEC)[0])
    before = study.sessions < sample.sessions[cut]
    kept = np.isin(again.sessions, study.sessions[before])
    assert before.sum() > 100
    np.testing.assert_array_equal(again.rules[POLICY][kept], study.rules[POLICY][before])


def test_simple_rules_know_what_a_bot_knows_at_entry(study: MoneyStudy, sample: MarketHistory) -> None:
    at = np.searchsorted(sample.sessions, study.sessions)
    vix = sample.bars["vix_open"][at]
    known = ~np.isnan(vix)
    np.testing.assert_array_equal(study.rules["skip VIX above 20"][known] == 0, vix[known] > 20)


def test_the_gain_over_the_best_simple_rule_is_paired(study: MoneyStudy) -> None:
    for world in World:
        best, gain, (low, high) = study.growth_gain(world)
        assert low <= gain <= high
        growth = {one.rule: math.log1p(one.growth_pct / 100) for one in study.accounts if one.world is world}
        assert best == max((rule for rule in growth if rule != POLICY), key=growth.__getitem__)
        assert gain == pytest.approx(100 * (growth[POLICY] - growth[best]))


def test_a_policy_equal_to_its_rule_gains_nothing(study: MoneyStudy) -> None:
    same = replace(study, rules={POLICY: study.rules[ALWAYS], ALWAYS: study.rules[ALWAYS]})
    assert same.growth_gain(World.SHORT_DATED) == (ALWAYS, 0.0, (0.0, 0.0))
    assert all(choice.difference is None for choice in same.choices)


def test_the_size_that_ships_is_what_the_walked_policy_survives(
    sample: MarketHistory, sample_rows: TrainingRows, study: MoneyStudy
) -> None:
    """Not what the shipped margins would have survived on the sessions that they were chosen on."""
    walk = walk_variant(sample_rows, MARKET, 1, QUICK)
    policy = shipped_policy(walk.predictions, walk.tested, sample, SPEC)
    assert policy is not None
    survived = [
        one.risk_pct
        for one in study.sizes
        if (one.rule, one.world) == (POLICY, World.SHORT_DATED) and one.year_drawdown_pct <= 100 / 3
    ]
    assert policy.risk_cap_pct == max(survived, default=0.0)


def test_growth_and_drawdown_over_the_size(study: MoneyStudy) -> None:
    always = [one for one in study.sizes if (one.rule, one.world) == (ALWAYS, World.SHORT_DATED)]
    assert [one.risk_pct for one in always] == [at / 2 for at in range(1, 21)]
    drawdowns = [one.year_drawdown_pct for one in always]
    assert drawdowns == sorted(drawdowns)
    assert 0 < drawdowns[0] < drawdowns[-1] < 100
