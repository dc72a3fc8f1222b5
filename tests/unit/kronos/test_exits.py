"""Leaving early: profit target, stop and time of day, modelled along a bar's path and quoted from snapshots."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from kronos.backtest import BY_SHORT_DATED, BY_VIX, Backtest, Exit, Skip, backtest
from kronos.backtest.chain_files import read_chains
from kronos.backtest.endings import Reason
from kronos.condor.costs import Costs
from kronos.condor.pricing import call_value, condor_value, put_value
from kronos.condor.shorts import Shorts
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import Strikes
from kronos.market.history import MarketHistory
from tests.support.bars import VIX_OF_ONE_PERCENT, bars
from tests.support.chains import chain_file, quotes_at

COMMISSION = 2.6
STRIKES = Strikes(*map(np.array, (1970.0, 1980.0, 2020.0, 2030.0)))


def run(history: MarketHistory, leaving: Exit, spec: CondorSpec | None = None, **options: object) -> Backtest:
    """Multiplier 1.0 alone: from 2000, shorts at 1980 and 2020."""
    return backtest(history, spec or CondorSpec(), sd_multipliers=(1.0,), leaving=leaving, **options)  # type: ignore[arg-type]


def value(price: float, life: float) -> float:
    at = (np.array(price), np.array(VIX_OF_ONE_PERCENT), STRIKES, "open", np.array(life))
    return float(condor_value(*at))  # type: ignore[arg-type]


def reasons(result: Backtest) -> list[str]:
    return [Reason(code).name for code in result.trades.endings.reason[:, 0]]


def test_a_profit_target_is_taken_at_the_first_mark_that_reaches_it() -> None:
    """Nothing moves: the condor decays, and half of its credit is earned at some half hour."""
    result = run(bars([2000.0]), Exit(profit_target=0.5), costs=Costs(slippage_points=0.05))
    sold = value(2000.0, 1.0)
    decay = {570 + 30 * at: value(2000.0, 1 - 30 * at / 390) for at in range(1, 13)}
    due = min(minute for minute, worth in decay.items() if worth + 0.1 <= 0.5 * (sold - 0.1))
    ended = result.trades.endings
    assert (reasons(result), int(ended.minute[0, 0])) == (["TARGET"], due)
    assert ended.cost_points[0, 0] == pytest.approx(decay[due])
    kept = 100 * (sold - 0.1 - decay[due] - 0.1) - 2 * COMMISSION
    assert result.net_pnl_dollars[0, 0] == pytest.approx(kept)
    assert not ended.put_breached[0, 0]


def test_a_stop_is_hit_on_the_way_to_the_low() -> None:
    """The session closes higher, so its low comes first: down by 60 points in a third of it, and back."""
    result = run(bars([2010.0], lows=[1940.0], highs=[2015.0]), Exit(stop=3.0))
    ended = result.trades.endings
    minute = int(ended.minute[0, 0])
    price = 2000 - 60 * (minute - 570) / 130
    assert reasons(result) == ["STOP"]
    assert 570 < minute <= 700
    assert ended.cost_points[0, 0] == pytest.approx(value(price, 1 - (minute - 570) / 390))
    assert ended.cost_points[0, 0] >= 3 * value(2000.0, 1.0)
    assert bool(ended.put_breached[0, 0]) == (price < 1980)
    held = run(bars([2010.0], lows=[1940.0], highs=[2015.0]), Exit())
    assert reasons(held) == ["SETTLED"]
    assert held.net_pnl_dollars[0, 0] > 0 > result.net_pnl_dollars[0, 0]


def test_a_falling_session_goes_to_its_high_first() -> None:
    at_noon = Exit(minute=12 * 60)
    falling, rising = (
        run(bars([close], lows=[1985.0], highs=[2015.0]), at_noon).trades.endings for close in (1999.0, 2001.0)
    )
    share = 3 * 150 / 390 - 1
    assert falling.cost_points[0, 0] == pytest.approx(value(2015 - 30 * share, 1 - 150 / 390))
    assert rising.cost_points[0, 0] == pytest.approx(value(1985 + 30 * share, 1 - 150 / 390))


def test_the_time_is_that_of_the_day_of_settlement() -> None:
    result = run(bars([2000.0] * 5), Exit(minute=15 * 60 + 10), CondorSpec("open", 2))
    ended = result.trades.endings
    assert set(reasons(result)) == {"TIME"}
    assert set(ended.minute[:, 0].tolist()) == {910}
    assert set(ended.sessions_held[:, 0].tolist()) == {2}


def test_on_a_half_day_what_has_settled_is_not_bought_back() -> None:
    history = bars([2000.0] * 3, start=date(2018, 11, 21))
    result = run(history, Exit(minute=15 * 60))
    assert reasons(result) == ["TIME", "SETTLED", "TIME"]
    assert result.trades.endings.minute[1, 0] == 13 * 60


def test_the_worst_loss_leaves_room_for_buying_back() -> None:
    held, early = (run(bars([2000.0]), leaving).trades.worst_loss_dollars[0, 0] for leaving in (Exit(), Exit(stop=2.0)))
    assert early == pytest.approx(held + 30 + COMMISSION)


def test_leaving_needs_a_condor_that_is_held_otherwise() -> None:
    with pytest.raises(ValueError, match="held to settlement"):
        run(bars([2000.0]), Exit(stop=2.0), CondorSpec(management="touch"))


@pytest.mark.parametrize("bad", [{"profit_target": 0.0}, {"profit_target": 1.1}, {"stop": 1.0}, {"minute": 570}])
def test_exits_that_make_no_sense_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Exit(**bad)  # type: ignore[arg-type]


def snapshots(tmp_path: Path, sold_at: str = "natural", *times: tuple[str, float]) -> Backtest:
    """Sold at 09:31; later the shorts are dearer by so much a side."""
    rows = [row for time, worth in (("09:31", 0.0), *times) for row in quotes_at(time, worth=worth)]
    quotes = read_chains(chain_file(tmp_path, *rows)).at_entry("open", sold_at)  # type: ignore[arg-type]
    leaving = Exit(profit_target=0.5, stop=2.0, minute=15 * 60)
    return run(bars([2000.0]), leaving, CondorSpec(), prices=quotes)


def test_quoted_snapshots_decide_where_there_are_any(tmp_path: Path) -> None:
    """Natural: sold for 0.95. Buying back takes the shorts' asks and the longs' bids: 1.60, and 0.80 more a step."""
    assert snapshots(tmp_path).trades.money == "quoted natural, closing modelled"
    stopped = snapshots(tmp_path, "natural", ("11:00", 0.0), ("12:00", 0.2), ("14:00", -0.9))
    ended = stopped.trades.endings
    assert (reasons(stopped), int(ended.minute[0, 0])) == (["STOP"], 12 * 60)
    assert ended.cost_points[0, 0] == pytest.approx(1.60 + 0.40)
    assert stopped.net_pnl_dollars[0, 0] == pytest.approx(100 * (0.95 - 2.00) - 2 * COMMISSION)
    assert stopped.trades.money == "quoted natural"
    taken = snapshots(tmp_path, "natural", ("11:00", 0.0), ("14:00", -0.6), ("14:30", -0.7))
    assert (reasons(taken), int(taken.trades.endings.minute[0, 0])) == (["TARGET"], 14 * 60)
    due = snapshots(tmp_path, "natural", ("11:00", 0.0), ("15:05", 0.05))
    assert (reasons(due), int(due.trades.endings.minute[0, 0])) == (["TIME"], 15 * 60 + 5)
    kept = snapshots(tmp_path, "natural", ("11:00", 0.0), ("14:00", 0.0))
    assert reasons(kept) == ["SETTLED"]


def test_what_no_trader_would_pay_is_no_mark(tmp_path: Path) -> None:
    """Buying back for less than nothing, or for more than the wings are wide, is a quote that is not meant."""
    wide = snapshots(tmp_path, "natural", ("11:00", 0.0), ("12:00", 9.0), ("14:00", -0.95))
    assert reasons(wide) == ["SETTLED"]
    assert wide.net_pnl_dollars[0, 0] <= 100 * 0.95


def test_legs_that_are_stamped_minutes_apart_belong_together(tmp_path: Path) -> None:
    rows = [*quotes_at("09:31"), *quotes_at("12:00", worth=0.5)[:2], *quotes_at("12:02", worth=0.5)[2:]]
    quotes = read_chains(chain_file(tmp_path, *rows)).at_entry("open", "natural")
    stopped = run(bars([2000.0]), Exit(stop=2.0), CondorSpec(), prices=quotes)
    assert (reasons(stopped), int(stopped.trades.endings.minute[0, 0])) == (["STOP"], 12 * 60 + 2)


def test_a_missing_bar_on_the_way_is_no_win() -> None:
    """Whether a stop would have been hit cannot be told."""
    history = bars([2000.0] * 10)
    columns = {name: column.copy() for name, column in history.columns.items()}
    for column in columns.values():
        column[5] = np.nan
    result = run(MarketHistory(history.sessions, columns), Exit(stop=2.0), CondorSpec("open", 2))
    missed = [Skip(code) is Skip.NO_BAR for code in result.trades.skip[:, 0]]
    assert missed == [3 <= at <= 5 for at in range(8)]


def test_a_target_keeps_its_share_of_what_was_received(sample: MarketHistory) -> None:
    trades = run(sample, Exit(profit_target=0.5), None, prices=BY_SHORT_DATED, costs=Costs(slippage_points=0.05)).trades
    taken = (trades.endings.reason[:, 0] == Reason.TARGET) & trades.sold[:, 0]
    assert taken.sum() > 100
    kept = trades.net_pnl_dollars[taken, 0] + 2 * COMMISSION
    assert (kept >= 50 * trades.credit_points[taken, 0] - 1e-6).all()


def test_at_mid_prices_slippage_is_paid_twice(tmp_path: Path) -> None:
    taken = snapshots(tmp_path, "mid", ("14:00", -0.6))
    sold, bought = 1.275, 1.275 - 1.2
    assert reasons(taken) == ["TARGET"]
    assert taken.trades.endings.cost_points[0, 0] == pytest.approx(bought)
    assert taken.net_pnl_dollars[0, 0] == pytest.approx(100 * (sold - 0.3 - bought - 0.3) - 2 * COMMISSION)


@pytest.mark.parametrize("prices", [BY_VIX, BY_SHORT_DATED])
def test_over_the_years_targets_win_more_often_and_stops_less(sample: MarketHistory, prices: object) -> None:
    def wins(leaving: Exit) -> float:
        result = run(sample, leaving, None, prices=prices, costs=Costs(0, 0))
        return float((result.net_pnl_dollars > 0).mean())

    assert wins(Exit(stop=2.0)) < wins(Exit()) < wins(Exit(profit_target=0.5))


def test_unequal_sides_stand_where_they_were_asked_to() -> None:
    result = backtest(bars([2000.0]), CondorSpec(), sd_multipliers=(Shorts(1.2, 0.7), Shorts.even(1.0)))
    assert [float(strike[0, 0]) for strike in result.trades.strikes] == [1965, 1975, 2015, 2025]
    assert [figures["sd_multiplier"] for figures in result.figures()] == ["1.2/0.7", 1.0]


@pytest.mark.parametrize("prices", [BY_VIX, BY_SHORT_DATED])
def test_a_delta_is_the_slope_of_the_price(sample: MarketHistory, prices: object) -> None:
    """Of each short option, at its own volatility, by a finite difference in SPX with the strike's volatility kept."""
    surface = prices.surface  # type: ignore[attr-defined]
    result = backtest(sample, CondorSpec(), sd_multipliers=(Shorts(0.08, 0.15, "delta"),), prices=prices)  # type: ignore[arg-type]
    trades = result.trades
    index = surface.index(sample, CondorSpec())[trades.positions]
    life = np.where(trades.endings.minute[:, 0] == 13 * 60, 3.5 / 6.5, 1.0)

    for worth, strike, delta in (
        (put_value, trades.price - trades.put_width[:, 0], -0.08),
        (call_value, trades.price + trades.call_width[:, 0], 0.15),
    ):
        volatility = surface.volatility(trades.price, strike, index, "open", life)
        up, down = (worth(trades.price + step, strike, volatility, life / 252) for step in (0.01, -0.01))
        known = ~np.isnan(volatility)
        assert known.sum() > 1_000
        np.testing.assert_allclose(((up - down) / 0.02)[known], delta, atol=1e-4)


@pytest.mark.parametrize("bad", [(0.0, 1.0, "multiplier"), (0.1, 0.6, "delta"), (-0.1, 0.1, "delta")])
def test_shorts_that_make_no_sense_are_refused(bad: tuple[float, float, str]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Shorts(*bad)  # type: ignore[arg-type]
