"""One condor at a time: what it sells for, how it ends, what is left; every number by hand or from an oracle."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from benchmarks.backtest_speed import plain_net_pnl, synthetic_history
from kronos.backtest import Backtest, Skip, backtest
from kronos.backtest.chain_files import read_chains
from kronos.condor.costs import Costs
from kronos.condor.entry import PriceSource, prints_lag
from kronos.condor.pricing import condor_value
from kronos.condor.spec import OUTCOMES, SD_MULTIPLIERS, CondorSpec, Management
from kronos.condor.strikes import Strikes
from kronos.errors import MarketDataError
from kronos.market.history import MarketHistory
from tests.support.bars import VIX_OF_ONE_PERCENT, bars
from tests.support.chains import chain_file, quotes_at
from tests.support.evaluation import evaluation_history, needs_evaluation_data
from tests.support.paths import EVALUATION_DATA

SPREAD_COSTS, COMMISSION = 30.0, 2.6
"""Slippage on two spreads and commission on four legs, dollars."""


def run(history: MarketHistory, spec: CondorSpec | None = None, **options: object) -> Backtest:
    """Multiplier 1.0 alone: from 2000, shorts at 1980 and 2020."""
    return backtest(history, spec or CondorSpec(), sd_multipliers=(1.0,), **options)  # type: ignore[arg-type]


def outcomes(result: Backtest) -> list[str]:
    return [OUTCOMES[code] for code in result.trades.outcome[:, 0]]


def test_four_ends_by_hand() -> None:
    """A win pays no commission at settlement; half a wing, a whole wing, and the other side are lost."""
    result = run(bars([2019.0, 1975.0, 1900.0, 2024.0]))
    trades = result.trades
    assert [float(strike[0, 0]) for strike in trades.strikes] == [1970, 1980, 2020, 2030]
    assert outcomes(result) == ["MAX_PROFIT", "PUT_BREACHED", "PUT_BREACHED", "CALL_BREACHED"]
    credit = 100 * float(trades.credit_points[0, 0])
    kept = credit - COMMISSION
    np.testing.assert_allclose(trades.net_pnl_dollars[:, 0], [kept, kept - 500, kept - 1000, kept - 400])
    np.testing.assert_allclose(trades.worst_loss_dollars[:, 0], 1000 - kept)
    assert 20 < credit < 100
    assert trades.money == "modelled, VIX only"


def test_the_credit_is_the_models_less_slippage() -> None:
    result = run(bars([2000.0]))
    value = condor_value(
        np.array(2000.0),
        np.array(VIX_OF_ONE_PERCENT),
        Strikes(*map(np.array, (1970.0, 1980.0, 2020.0, 2030.0))),
        "open",
        np.array(1.0),
    )
    assert 100 * float(result.trades.credit_points[0, 0]) == pytest.approx(100 * float(value) - SPREAD_COSTS)


@pytest.mark.parametrize("spec", [CondorSpec(), CondorSpec("open", 4), CondorSpec("close", 1), CondorSpec("close", 6)])
def test_every_session_and_multiplier_equals_a_plain_loop(sample: MarketHistory, spec: CondorSpec) -> None:
    history = sample.slice(300, 700)
    result = backtest(history, spec)
    expected = np.array(plain_net_pnl(history, spec, Costs()))
    np.testing.assert_allclose(result.net_pnl_dollars, expected, atol=1e-8)


def test_a_multi_day_trade_is_not_closed_at_intrinsic_on_the_day_it_opens() -> None:
    """Far below the short put on the day of entry, back at the settlement: full profit, booked on that day."""
    result = run(bars([1900.0, 1950.0, 2000.0]), CondorSpec("open", 2))
    assert outcomes(result) == ["MAX_PROFIT"]
    assert result.net_pnl_dollars[0, 0] > 0
    np.testing.assert_array_equal(result.account.pnl_dollars[:, 0] != 0, [False, False, True])


def test_a_touched_condor_is_bought_back_for_what_the_model_says() -> None:
    """Down to 1979 in the session and back: held it wins; closed at the touch it pays to get out."""
    history = bars([2000.0], lows=[1979.0])
    assert outcomes(run(history)) == ["MAX_PROFIT"]
    touched = run(history, CondorSpec(management="touch"))
    assert outcomes(touched) == ["PUT_BREACHED"]
    cost = condor_value(
        np.array(1980.0),
        np.array(VIX_OF_ONE_PERCENT),
        touched_strikes := Strikes(*map(np.array, (1970.0, 1980.0, 2020.0, 2030.0))),
        "open",
        np.array(1.0),
    )
    assert 2 < float(cost) < 5
    assert touched_strikes.payout(np.array(1980.0)) == 0
    credit = 100 * float(touched.trades.credit_points[0, 0])
    expected = credit - COMMISSION - 100 * float(cost) - SPREAD_COSTS - COMMISSION
    assert touched.net_pnl_dollars[0, 0] == pytest.approx(expected)
    assert touched.trades.worst_loss_dollars[0, 0] == pytest.approx(1000 - credit + SPREAD_COSTS + 2 * COMMISSION)


def test_a_gap_through_the_strike_is_bought_back_at_the_open() -> None:
    """Sold at the close at 2000, opened at 1975 beyond the short put: dearer than at the strike."""
    spec = CondorSpec("close", 1, "touch")
    at_strike = run(bars([2000.0, 1990.0], opens=[2000.0, 1990.0], lows=[2000.0, 1979.0]), spec)
    gapped = run(bars([2000.0, 1990.0], opens=[2000.0, 1975.0], lows=[1975.0, 1975.0]), spec)
    assert outcomes(at_strike) == outcomes(gapped) == ["PUT_BREACHED"]
    assert gapped.trades.endings.cost_points[0, 0] > at_strike.trades.endings.cost_points[0, 0] + 1


@pytest.mark.parametrize(("opened", "dearer"), [(1974.0, "put"), (2022.0, "call")])
def test_a_bar_through_both_strikes_costs_the_worse_side(opened: float, dearer: str) -> None:
    """Opened beyond one short strike, so that its side is the dearer one."""

    def ended(low: float, high: float) -> tuple[str, float]:
        history = bars([2000.0, 2000.0], opens=[2000.0, opened], lows=[2000.0, low], highs=[2000.0, high])
        result = run(history, CondorSpec("close", 1, "touch"))
        return outcomes(result)[0], float(result.trades.endings.cost_points[0, 0])

    put, put_cost = ended(min(1979, opened), max(2000, min(opened, 2019)))
    call, call_cost = ended(min(2000, max(opened, 1981)), max(2021, opened))
    both, both_cost = ended(min(1979, opened), max(2021, opened))
    assert (put, call, both) == ("PUT_BREACHED", "CALL_BREACHED", "DOUBLE_BREACH")
    assert both_cost == max(put_cost, call_cost)
    assert (put_cost > call_cost + 0.3) if dearer == "put" else (call_cost > put_cost + 0.3)


def test_buying_back_is_priced_at_the_sessions_highest_vix() -> None:
    history = bars([2000.0, 1990.0], lows=[2000.0, 1979.0])
    spec = CondorSpec("close", 1, "touch")
    excited = MarketHistory(history.sessions, history.columns | {"vix_high": np.array([16.0, 30.0])})
    calm_cost, excited_cost = (float(run(bars_, spec).trades.endings.cost_points[0, 0]) for bars_ in (history, excited))
    assert excited_cost > calm_cost + 0.3


def test_touched_on_the_second_day_ends_there_whatever_comes_after() -> None:
    """The put on day two, both sides on day three: the condor was gone by then."""
    history = bars([2000.0] * 4, lows=[2000, 2000, 1960, 1950], highs=[2000, 2000, 2000, 2040])
    result = run(history, CondorSpec("close", 3, "touch"))
    assert outcomes(result) == ["PUT_BREACHED"]
    assert result.trades.endings.sessions_held[0, 0] == 2
    np.testing.assert_array_equal(result.account.pnl_dollars[:, 0] != 0, [False, False, True, False])


def test_nothing_after_entry_chooses_strikes_or_credit(sample: MarketHistory) -> None:
    """Same-day VIX closes and everything later changed: what was sold stays, what became of it does not."""
    known = ("spx_open", "vix_open", "spy_open")
    columns = {name: column.copy() for name, column in sample.columns.items()}
    for name, column in columns.items():
        column[601 if name in known else 600 :] *= 1.3
    changed = backtest(MarketHistory(sample.sessions, columns), CondorSpec())
    before = backtest(sample, CondorSpec())
    at = int(np.searchsorted(before.sessions, sample.sessions[600]))
    np.testing.assert_allclose(changed.trades.credit_points[: at + 1], before.trades.credit_points[: at + 1], atol=1e-9)
    np.testing.assert_array_equal(changed.trades.strikes[1][: at + 1], before.trades.strikes[1][: at + 1])
    assert not np.array_equal(changed.net_pnl_dollars[at], before.net_pnl_dollars[at])


def test_labels_are_at_exact_multiples_and_trades_at_listed_strikes() -> None:
    """1979.99 passes 1 % below 2001, which is 1980.99; the listed short stands at 1980, and 1980.5 spares it."""
    result = run(bars([1980.5], opens=2001.0))
    assert result.put_breached[0, 0] == 1.0
    assert outcomes(result) == ["MAX_PROFIT"]


@pytest.mark.parametrize(("minimum", "sold"), [(0.0, True), (1.0, False)])
def test_a_minimum_credit_is_after_slippage(minimum: float, sold: bool) -> None:
    result = run(bars([2000.0]), costs=Costs(minimum_credit_points=minimum))
    assert 0 < result.trades.credit_points[0, 0] < 1.0
    assert result.trades.sold[0, 0] == sold


def test_nothing_is_sold_for_less_than_nothing() -> None:
    result = backtest(bars([2000.0]), CondorSpec(), sd_multipliers=(3.0,))
    assert result.trades.credit_points[0, 0] < 0
    assert result.trades.skip[0, 0] == Skip.BELOW_MINIMUM_CREDIT
    assert next(result.figures())["skipped_below_minimum_credit"] == 1


@pytest.mark.parametrize("management", ["hold", "touch"])
def test_sessions_without_bars_are_counted_and_not_sold(management: Management) -> None:
    history = bars([2000.0] * 5)
    columns = {name: np.where(np.arange(5) == 2, np.nan, column) for name, column in history.columns.items()}
    result = run(MarketHistory(history.sessions, columns), CondorSpec("close", 1, management))
    assert [Skip(code) for code in result.trades.skip[:, 0]] == [Skip.NONE, Skip.NO_BAR, Skip.NO_BAR, Skip.NONE]
    figures = next(result.figures())
    assert (figures["condors"], figures["skipped_no_bar"], figures["days"]) == (2, 2, 5)
    assert np.isfinite(result.account.equity_dollars).all()


def test_a_touch_on_a_day_without_a_bar_is_not_known() -> None:
    """Not even where the day after would have been one."""
    history = bars([2000.0] * 7, lows=[2000, 2000, 2000, 1950, 2000, 2000, 2000])
    columns = {name: np.where(np.arange(7) == 2, np.nan, column) for name, column in history.columns.items()}
    result = run(MarketHistory(history.sessions, columns), CondorSpec("close", 2, "touch"))
    assert result.trades.skip[:, 0].tolist() == [*[Skip.NO_BAR] * 3, *[Skip.NONE] * 2]
    held = run(MarketHistory(history.sessions, columns), CondorSpec("close", 2))
    assert held.trades.skip[:, 0].tolist() == [Skip.NO_BAR, Skip.NONE, Skip.NO_BAR, *[Skip.NONE] * 2]


def test_a_close_outside_its_bars_range_is_a_touch() -> None:
    """As 47 rows of the public history are: the close is what is relied on."""
    result = run(bars([2000.0, 1975.0], lows=[2000.0, 1990.0]), CondorSpec("close", 1, "touch"))
    assert outcomes(result) == ["PUT_BREACHED"]
    assert result.trades.endings.bought_back[0, 0]


def test_what_is_not_settled_yet_is_left_out_and_counted() -> None:
    result = run(bars([2010.0, 1990.0] * 3), CondorSpec("open", 2))
    assert (len(result.sessions), len(result.left_out["not_settled"])) == (4, 2)


def test_sessions_whose_prints_lag_are_left_out_and_counted() -> None:
    """For two years the opens jump about; then they repeat the previous close."""
    closes = 2000 + 7.0 * np.arange(1_000)
    opens = np.concatenate([[1999.0], closes[:-1]])
    opens[:500] += np.where(np.arange(500) % 2, 20.0, -20.0)
    history = bars(closes.tolist(), opens=opens.tolist())
    result = run(history)
    kept, left_out = (result.prices.sessions[source] for source in (PriceSource.SPX_PRINT, PriceSource.LAGGING_PRINT))
    assert kept == len(result.sessions) == int((~prints_lag(history)).sum())
    assert 500 < kept < 752
    assert left_out == 1_000 - kept
    assert result.sessions[-1] == history.sessions[kept - 1]
    assert result.summary()["entry_price_sources"] | {"left_out": 0} == {
        "spx_close": 0,
        "spy_implied": 0,
        "spy_implied_late": 0,
        "spx_print": kept,
        "given": 0,
        "left_out": 0,
    }
    assert run(history, end=history.sessions[400]).prices.left_out == 0
    with pytest.raises(MarketDataError, match="printed opens lag; add bars of SPY with `kronos fetch`"):
        run(history, start=history.sessions[-100])
    assert run(history, CondorSpec("close", 1)).prices.left_out == 0


def test_real_quotes_are_sold_at_and_missing_strikes_skipped(tmp_path: Path) -> None:
    """Three sessions: quoted, quoted without a strike, not quoted; and a fourth that ends the span."""
    rows = [
        *quotes_at("09:31"),
        *quotes_at("09:31", "2017-06-06")[1:],
        *quotes_at("09:31", "2017-06-08"),
    ]
    quotes = read_chains(chain_file(tmp_path, *rows)).at_entry("open")
    result = run(bars([2010.0, 1990.0] * 3, opens=2001.0), prices=quotes)
    assert [Skip(code) for code in result.trades.skip[:, 0]] == [
        Skip.NONE,
        Skip.MISSING_STRIKES,
        Skip.NO_QUOTES,
        Skip.NONE,
    ]
    assert result.trades.credit_points[0, 0] == pytest.approx(0.95)
    assert result.net_pnl_dollars[0, 0] == pytest.approx(95 - COMMISSION)
    assert np.isnan(result.net_pnl_dollars[1, 0])
    assert result.trades.price[0] == 2000
    figures = next(result.figures())
    assert (figures["condors"], figures["skipped_missing_strikes"], figures["skipped_no_quotes"]) == (2, 1, 1)
    assert figures["money"] == "quoted natural"
    with pytest.raises(MarketDataError, match="neither bars nor quotes"):
        run(bars([2000.0] * 6, start=date(2018, 3, 1)), prices=quotes)


def test_quotes_that_carry_the_price_need_no_open(tmp_path: Path) -> None:
    """Every open of the bars repeats the last close; only a chain with its own price can be sold at the open."""
    history = bars([2000.0] * 30)
    with_price = read_chains(chain_file(tmp_path, *quotes_at("09:31"))).at_entry("open")
    assert run(history, prices=with_price).trades.sold.all()
    rows = [row.rsplit(",", 1)[0] + "," for row in quotes_at("09:31")]
    without = read_chains(chain_file(tmp_path, *rows)).at_entry("open")
    with pytest.raises(MarketDataError, match="printed opens lag"):
        run(history, prices=without)


def test_quoted_money_whose_closing_is_modelled_says_so(tmp_path: Path) -> None:
    quotes = read_chains(chain_file(tmp_path, *quotes_at("09:31"))).at_entry("open", "mid")
    result = run(bars([2000.0]), CondorSpec(management="touch"), prices=quotes)
    assert result.trades.money == "quoted mid, closing modelled"


@needs_evaluation_data
def test_the_real_week_sells_the_condor_of_2011_01_06() -> None:
    quotes = read_chains(EVALUATION_DATA / "chains").at_entry("close")
    history = evaluation_history()
    result = backtest(history, CondorSpec("close", 1), sd_multipliers=(0.9,), prices=quotes)
    assert [str(day) for day in result.sessions] == [f"2011-01-0{day}" for day in range(3, 8)]
    at = np.flatnonzero(result.trades.sold[:, 0])
    assert [str(day) for day in result.sessions[at]] == ["2011-01-06"]
    assert [float(strike[at[0], 0]) for strike in result.trades.strikes] == [1250, 1260, 1290, 1300]
    assert result.trades.credit_points[at[0], 0] == pytest.approx(0.95)
    assert result.net_pnl_dollars[at[0], 0] == pytest.approx(95 - COMMISSION)
    assert next(result.figures())["skipped_missing_strikes"] == 4


@pytest.mark.parametrize("management", ["hold", "touch"])
def test_29_years_at_11_multipliers_are_vectorised(management: Management) -> None:
    """A few calls of a function for each session, whatever the multipliers; a loop over both would make a hundred."""
    history, calls = synthetic_history(), 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(counted)
    try:
        figures = list(backtest(history, CondorSpec("close", 1, management)).figures())
    finally:
        sys.setprofile(None)
    assert len(history) > 7300
    assert calls < 20 * len(history)
    assert [record["sd_multiplier"] for record in figures] == list(SD_MULTIPLIERS)
