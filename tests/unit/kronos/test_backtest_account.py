"""What an account makes of the condors: contracts it can afford, capital of overlapping trades, ratios of all days."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kronos.backtest import Backtest, backtest
from kronos.condor.costs import DEFAULT_LIMITS, AccountLimits, Costs
from kronos.condor.spec import CondorSpec, Management
from kronos.market.history import MarketHistory
from tests.support.bars import bars

CALM = [2010.0, 1990.0]


def run(closes: list[float], spec: CondorSpec | None = None, limits: AccountLimits = DEFAULT_LIMITS) -> Backtest:
    return backtest(bars(closes), spec or CondorSpec(), limits=limits, sd_multipliers=(1.0,))


def contracts(result: Backtest) -> list[int]:
    return [int(count) for count in result.account.contracts[:, 0]]


@pytest.mark.parametrize(
    "limits",
    [
        AccountLimits(equity_dollars=950.0, risk_pct=100.0),
        AccountLimits(equity_dollars=9_500.0, risk_pct=10.0),
        AccountLimits(max_contracts=0),
        AccountLimits(risk_pct=0.0),
        AccountLimits(equity_dollars=0.0),
    ],
    ids=["cannot afford one", "risk cannot afford one", "cap 0", "risk 0", "no money"],
)
def test_what_cannot_be_afforded_is_not_traded(limits: AccountLimits) -> None:
    """One contract can lose $979; none is traded, not one: a limit of 0 means 0."""
    result = run(CALM, limits=limits)
    assert 950 < result.trades.worst_loss_dollars[0, 0] < 1000
    assert contracts(result) == [0, 0]
    figures = next(result.figures())
    assert (figures["condors"], figures["traded"]) == (2, 0)
    asked_for_none = 0 in (limits.max_contracts, limits.risk_pct)
    reasons = (figures["skipped_not_affordable"], figures["skipped_limit_reached"])
    assert reasons == ((0, 2) if asked_for_none else (2, 0))
    assert figures["final_equity_dollars"] == result.limits.equity_dollars
    assert (figures["sharpe"], figures["sortino"], figures["max_drawdown_pct"]) == (None, None, 0.0)


def test_contracts_are_the_risk_over_the_worst_loss() -> None:
    uncapped, capped = (run(CALM, limits=AccountLimits(risk_pct=5.0, max_contracts=most)) for most in (None, 3))
    worst = uncapped.trades.worst_loss_dollars[0, 0]
    assert contracts(uncapped)[0] == math.floor(5_000 / worst) == 5
    assert contracts(capped) == [3, 3]
    assert capped.account.pnl_dollars[0, 0] == pytest.approx(3 * capped.net_pnl_dollars[0, 0])


def test_the_worst_loss_at_full_risk_ruins_and_then_nothing_is_traded() -> None:
    result = run([1900.0, *CALM], limits=AccountLimits(risk_pct=100.0))
    number = contracts(result)[0]
    left = 100_000 - number * result.trades.worst_loss_dollars[0, 0]
    assert result.account.equity_dollars[0, 0] == pytest.approx(left)
    assert 0 <= left < result.trades.worst_loss_dollars[0, 0]
    assert contracts(result)[1:] == [0, 0]
    assert result.account.drawdown[:, 0] == pytest.approx(1 - left / 100_000)


def test_overlapping_trades_share_the_capital_until_it_is_free_again() -> None:
    """At 40 % each, two fit and a third gets the rest; day 2 settles the first after its entry, for day 3."""
    result = run(CALM * 4, CondorSpec("open", 2), AccountLimits(risk_pct=40.0))
    worst, number = result.trades.worst_loss_dollars[:, 0], contracts(result)
    assert number[0] == math.floor(40_000 / worst[0])
    assert number[1] == math.floor(40_000 / worst[1])
    free = 100_000 - number[0] * worst[0] - number[1] * worst[1]
    assert number[2] == math.floor(free / worst[2]) < number[1]
    assert number[3] > number[2]
    assert result.account.pnl_dollars[:2, 0].tolist() == [0, 0]
    assert result.account.pnl_dollars[2, 0] == pytest.approx(number[0] * result.net_pnl_dollars[0, 0])


def test_an_entry_at_the_close_comes_after_what_settles_there() -> None:
    """At full risk yesterday's trade frees its capital at the close at which today's is sold."""
    result = run([2000.0] * 4, CondorSpec("close", 1), AccountLimits(risk_pct=100.0))
    assert min(contracts(result)) > 100


def test_buying_back_frees_the_capital_on_that_day() -> None:
    closes, lows = [2000.0] * 6, [2000, 2000, 1950, 2000, 2000, 2000]
    history = bars(closes, lows=lows)

    def traded(dte_sessions: int, management: Management) -> list[int]:
        spec = CondorSpec("close", dte_sessions, management)
        return contracts(backtest(history, spec, limits=AccountLimits(risk_pct=100), sd_multipliers=(1.0,)))

    assert traded(4, "hold")[0] > 0
    assert traded(4, "hold")[1] == 0
    assert traded(4, "touch")[0] > 0
    assert traded(3, "hold")[2] == 0
    assert traded(3, "touch")[2] > 0


@pytest.mark.parametrize("spec", [CondorSpec("open", 3), CondorSpec("close", 5, "touch")])
def test_open_risk_never_exceeds_the_equity(sample: MarketHistory, spec: CondorSpec) -> None:
    result = backtest(sample, spec, limits=AccountLimits(risk_pct=35))
    trades, account = result.trades, result.account
    held = np.nan_to_num(account.contracts * trades.worst_loss_dollars)
    positions = trades.positions
    settled_before = account.equity_dollars - account.pnl_dollars
    for day in range(len(account.days)):
        now = positions[0] + day
        ends = positions[:, None] + trades.endings.sessions_held
        alive = (positions[:, None] <= now) & ((ends >= now) if spec.entry == "open" else (ends > now))
        equity = settled_before[day] if spec.entry == "open" else account.equity_dollars[day]
        entered_today = positions == now
        if account.contracts[entered_today].any():
            at_risk = (held * alive).sum(axis=0)
            assert (
                at_risk[account.contracts[entered_today][0] > 0]
                <= equity[account.contracts[entered_today][0] > 0] + 1e-6
            ).all()
            assert (held[entered_today][0] <= 0.35 * equity + 1e-6).all()
    assert account.contracts.max() > 10


def test_ratios_count_every_session_traded_or_not(sample: MarketHistory) -> None:
    """Recomputed from the trades alone; most sessions pay too little to be traded at this minimum."""
    result = backtest(
        sample, CondorSpec(), Costs(minimum_credit_points=0.7), AccountLimits(risk_pct=2.0), sd_multipliers=(0.8,)
    )
    figures = next(result.figures())
    assert figures["days"] == len(sample)
    assert 0 < figures["traded"] < 200
    equity, peak, drawdown, returns = 100_000.0, 100_000.0, 0.0, []
    for pnl, worst, sold in zip(
        result.net_pnl_dollars[:, 0], result.trades.worst_loss_dollars[:, 0], result.trades.sold[:, 0], strict=True
    ):
        profit = math.floor(0.02 * equity / worst) * pnl if sold else 0.0
        returns.append(profit / equity)
        equity += profit
        peak = max(peak, equity)
        drawdown = max(drawdown, 1 - equity / peak)
    daily = np.array(returns)
    assert figures["final_equity_dollars"] == pytest.approx(equity)
    assert figures["total_pnl_dollars"] == pytest.approx(equity - 100_000)
    assert figures["max_drawdown_pct"] == pytest.approx(100 * drawdown)
    assert figures["sharpe"] == pytest.approx(daily.mean() / daily.std(ddof=1) * math.sqrt(252))
    downside = math.sqrt((np.minimum(daily, 0) ** 2).mean())
    assert figures["sortino"] == pytest.approx(daily.mean() / downside * math.sqrt(252))
    traded_only = daily[daily != 0]
    assert abs(figures["sharpe"]) < abs(traded_only.mean() / traded_only.std() * math.sqrt(252))


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        (Costs, "slippage_points", -0.1),
        (Costs, "commission_dollars", math.nan),
        (Costs, "minimum_credit_points", -1.0),
        (AccountLimits, "risk_pct", 101.0),
        (AccountLimits, "max_contracts", -1),
        (AccountLimits, "equity_dollars", math.inf),
    ],
)
def test_costs_and_limits_out_of_range_are_refused(part: type[Costs | AccountLimits], name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        part(**{name: value})  # type: ignore[arg-type]
