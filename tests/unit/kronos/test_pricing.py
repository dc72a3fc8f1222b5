"""Black-Scholes against a pricing library, and a modelled credit that invents no edge."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr
from vollib.black_scholes import black_scholes
from vollib.black_scholes.implied_volatility import implied_volatility

from kronos.backtest import backtest
from kronos.backtest.chain_files import read_chains
from kronos.backtest.prices import SurfacePrices
from kronos.backtest.quotes import Chains
from kronos.backtest.trades import sell
from kronos.condor.costs import Costs
from kronos.condor.entry import PriceSource, price_sources
from kronos.condor.pricing import (
    SHORT_DATED,
    VIX_ONLY,
    Surface,
    call_value,
    condor_value,
    life_in_sessions,
    normal_cdf,
    put_value,
)
from kronos.condor.spec import SD_MULTIPLIERS, CondorSpec, Entry
from kronos.condor.strikes import Strikes, listed_strikes
from kronos.condor.worlds import World
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import exchange_sessions
from tests.support.bars import bars
from tests.support.evaluation import evaluation_history, needs_evaluation_data
from tests.support.paths import EVALUATION_DATA

CHAIN = EVALUATION_DATA / "chains" / "spx_eod_2011-01-03_2011-01-07.csv"
FREE = Costs(slippage_points=0, commission_dollars=0)
FLAT_VIX = Surface(World.VIX_ONLY, {"open": (1.0,) * 5, "close": (1.0,) * 5}, skew=0)
WORLDS = [CondorSpec(), CondorSpec("open", 1), CondorSpec("open", 5), CondorSpec("close", 1), CondorSpec("close", 5)]
LONGER = [CondorSpec("open", 21), CondorSpec("close", 10), CondorSpec("close", 22)]


def name_of(spec: CondorSpec) -> str:
    return f"{spec.entry}-{spec.dte_sessions}"


def test_the_normal_distribution_equals_scipy() -> None:
    x = np.concatenate([np.linspace(-40, 40, 400_001), [-np.inf, np.inf, 0.0]])
    np.testing.assert_allclose(normal_cdf(x), ndtr(x), rtol=0, atol=1e-15)
    assert np.isnan(normal_cdf(np.array(np.nan)))


def test_puts_and_calls_equal_the_library() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        price, years = rng.uniform(500, 5000), rng.uniform(0.5, 60) / 252
        strike, volatility = price * rng.uniform(0.8, 1.2), rng.uniform(0.05, 0.9)
        for flag, value in (("p", put_value), ("c", call_value)):
            expected = black_scholes(flag, price, strike, years, 0.0, volatility)
            ours = value(np.array(price), np.array(strike), np.array(volatility), years)
            assert float(ours) == pytest.approx(expected, abs=1e-9 * price)


def test_the_condor_is_its_four_legs_each_at_its_own_volatility() -> None:
    price, vix, years = 2000.0, 16.0, 1 / 252
    strikes = Strikes(*(np.array(strike) for strike in (1970.0, 1980.0, 2020.0, 2030.0)))
    legs = []
    for strike, flag in zip(strikes, "ppcc", strict=True):
        x = float(np.log(strike / price)) / (vix / 100 * years**0.5)
        volatility = vix / 100 * 0.62 * (1 + 0.17 * ((1 + x * x) ** 0.5 - 1 - x))
        legs.append(black_scholes(flag, price, float(strike), years, 0.0, volatility))
    expected = legs[1] - legs[0] + legs[2] - legs[3]
    value = condor_value(np.array(price), np.array(vix), strikes, "open", np.array(1.0))
    assert float(value) == pytest.approx(expected, abs=1e-9)
    assert 0.5 < expected < 1.5


@pytest.mark.parametrize(
    ("entry", "life", "scale"),
    [
        ("open", 0.5, 0.62),
        ("open", 1, 0.62),
        ("open", 2, 0.67),
        ("open", 3.5, 0.685),
        ("open", 5, 0.70),
        ("open", 10, 0.69),
        ("open", 16, 0.67),
        ("open", 22, 0.65),
        ("open", 40, 0.65),
        ("close", 1, 0.79),
        ("close", 2, 0.76),
        ("close", 5, 0.74),
        ("close", 10, 0.70),
        ("close", 22, 0.70),
    ],
)
def test_the_volatility_at_the_money_by_life(entry: Entry, life: float, scale: float) -> None:
    """The figures of decision 0016, linear in between."""
    price = np.array(2000.0)
    volatility = VIX_ONLY.volatility(price, price, np.array(20.0), entry, np.array(life))
    assert float(volatility) == pytest.approx(0.2 * scale, rel=1e-12)


def test_life_counts_sessions_and_half_days_by_their_hours() -> None:
    days = exchange_sessions().between(date(2018, 11, 20), date(2018, 11, 27))
    half = 3.5 / 6.5
    np.testing.assert_allclose(life_in_sessions(days, CondorSpec()), [1, 1, half, 1, 1])
    np.testing.assert_allclose(life_in_sessions(days, CondorSpec("open", 1)), [2, 1 + half, half + 1, 2, np.nan])
    np.testing.assert_allclose(life_in_sessions(days, CondorSpec("close", 1)), [1, half, 1, 1, np.nan])
    np.testing.assert_allclose(life_in_sessions(days, CondorSpec("open", 2), 2), [half, 1, 1, np.nan, np.nan])


def test_farther_shorts_sell_for_less(sample: MarketHistory) -> None:
    half_width = np.linspace(5, 80, 200)
    strikes = listed_strikes(np.full(200, 2000.0), half_width, CondorSpec())
    value = condor_value(np.full(200, 2000.0), np.full(200, 16.0), strikes, "open", np.full(200, 1.0))
    assert (np.diff(value) <= 0).all()
    assert value[0] > 4
    assert value[-1] < 0.2


@pytest.mark.parametrize("vix", [10.0, 16.0, 40.0])
@pytest.mark.parametrize(("value", "side"), [(put_value, -1), (call_value, 1)])
def test_the_skew_leaves_no_arbitrage_between_strikes(vix: float, value: Any, side: int) -> None:
    """Out of the money, prices fall and are convex in the strike out to five expected moves."""
    price = np.array(2000.0)
    strikes = price + side * np.arange(0, 5, 0.1) * 2000 * vix / 100 / np.sqrt(252)
    volatility = VIX_ONLY.volatility(price, strikes, np.array(vix), "open", np.array(1.0))
    values = value(price, strikes, volatility, 1 / 252)
    assert (np.diff(values) < 1e-9).all()
    assert (np.diff(values, 2) > -1e-9).all()


def edge_points(history: MarketHistory, spec: CondorSpec, surface: Surface) -> Floats:
    """(k,) mean modelled credit less mean payout, before any cost."""
    positions = np.arange(len(history) - spec.dte_sessions)
    if spec.entry == "open":
        positions = positions[price_sources(history, spec)[positions] == PriceSource.SPY_IMPLIED]
    trades = sell(history, positions, spec, FREE, SD_MULTIPLIERS, SurfacePrices(surface))
    return np.asarray(np.nanmean(trades.net_pnl_dollars, axis=0) / 100)


@needs_evaluation_data
@pytest.mark.parametrize("spec", [*WORLDS, *LONGER], ids=name_of)
def test_the_credit_invents_no_edge_over_the_years(spec: CondorSpec) -> None:
    history = evaluation_history()
    at_one = SD_MULTIPLIERS.index(1.0)
    for surface in (VIX_ONLY, SHORT_DATED):
        edge = edge_points(history, spec, surface)
        assert abs(edge[at_one]) < 0.05
        assert np.abs(edge).max() < (0.4 if spec.dte_sessions < 21 else 0.7)  # ten years hold 120 months
    assert edge_points(history, spec, FLAT_VIX)[at_one] > 0.45


@pytest.mark.parametrize("spec", WORLDS, ids=name_of)
def test_no_default_backtest_is_too_good_to_be_true(sample: MarketHistory, spec: CondorSpec) -> None:
    for figures in backtest(sample, spec).figures():
        assert figures["sharpe"] is None or figures["sharpe"] < 2


def test_flat_vix_would_be_too_good_to_be_true(sample: MarketHistory) -> None:
    """The trap that the surface avoids; without it the test above could not fail."""
    sharpes = [
        figures["sharpe"] for figures in backtest(sample, CondorSpec(), prices=SurfacePrices(FLAT_VIX)).figures()
    ]
    assert max(sharpe for sharpe in sharpes if sharpe is not None) > 2


@pytest.mark.skipif(not CHAIN.exists(), reason="the sample of real chains is not here")
def test_the_skew_is_that_of_real_quotes() -> None:
    """Implied volatility over that at the money, 1 to 13 sessions to expiry, within 1.5 expected moves."""
    vix = dict(zip(("03", "04", "05", "06", "07"), (17.61, 17.38, 17.02, 17.40, 17.14), strict=True))
    chains = read_chains(CHAIN)
    errors = []
    for day in np.unique(chains.quoted_on):
        for expiration in np.unique(chains.expiration):
            life = len(exchange_sessions().between(day.item(), expiration.item())) - 1
            rows = chains.take((chains.quoted_on == day) & (chains.expiration == expiration) & (chains.bid > 0))
            if 1 <= life <= 13 and len(rows):
                errors.append(skew_errors(rows, vix[str(day)[-2:]], life))
    assert len(errors) >= 6
    assert float(np.sqrt(np.mean(np.concatenate(errors) ** 2))) < 0.1


def skew_errors(rows: Chains, vix: float, life: int) -> Floats:
    price, move = rows.underlying[0], vix / 100 * (life / 252) ** 0.5
    out_of_the_money = rows.take((rows.strike <= price) == rows.is_put)
    x = np.log(out_of_the_money.strike / price) / move
    near = out_of_the_money.take(np.abs(x) < 1.5)
    x = np.log(near.strike / price) / move
    implied = np.array(
        [
            implied_volatility((bid + ask) / 2, price, strike, life / 252, 0.0, "p" if is_put else "c")
            for bid, ask, strike, is_put in zip(near.bid, near.ask, near.strike, near.is_put, strict=True)
        ]
    )
    order = np.argsort(x)
    at_the_money = np.interp(0.0, x[order], implied[order])
    modelled = VIX_ONLY.volatility(price, near.strike, np.array(vix), "close", np.array(float(life)))
    modelled_at_the_money = VIX_ONLY.volatility(price, price, np.array(vix), "close", np.array(float(life)))
    return np.asarray(implied / at_the_money - modelled / modelled_at_the_money)


def test_entry_at_the_close_before_a_half_day_is_worth_less() -> None:
    history = bars([2000.0] * 4, start=date(2018, 11, 20))
    trades = backtest(history, CondorSpec("close", 1), FREE, sd_multipliers=(1.0,)).trades
    assert trades.credit_points[1, 0] < 0.6 * trades.credit_points[0, 0]
