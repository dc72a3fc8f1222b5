"""How long 29 years at 11 multipliers take, vectorised, beside a plain loop over sessions: one run, one ratio.

    python -m benchmarks.backtest_speed [FILE]

Without a file, on a synthetic history of 29 years. The loop is also the tests' oracle: it shares no arithmetic with
`kronos.backtest`.
"""

from __future__ import annotations

import math
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

from kronos.backtest import BY_VIX, backtest
from kronos.backtest.trades import sell
from kronos.condor.costs import Costs
from kronos.condor.entry import entry_price, entry_vix
from kronos.condor.pricing import VIX_ONLY, Surface
from kronos.condor.settlement import settlement_price
from kronos.condor.spec import SD_MULTIPLIERS, CondorSpec
from kronos.market.csv_file import read_market_csv
from kronos.market.history import MarketHistory
from kronos.market.sessions import exchange_sessions

SPECS = (
    CondorSpec("close", 1),
    CondorSpec("close", 5),
    CondorSpec("close", 1, "touch"),
    CondorSpec("close", 5, "touch"),
)


def synthetic_history(seed: int = 0) -> MarketHistory:
    """29 years of a random walk at three quarters of VIX."""
    days = exchange_sessions().between(date(1990, 1, 2), date(2018, 12, 31))
    rng = np.random.default_rng(seed)
    vix = rng.uniform(10, 30, len(days))
    closes = 1000 * np.exp(np.cumsum(0.75 * vix / 100 / math.sqrt(252) * rng.normal(0, 1, len(days))))
    opens = np.roll(closes, 1) * (1 + rng.normal(0, 0.002, len(days)))
    bars = {
        "spx_open": opens,
        "spx_high": np.maximum(opens, closes) * 1.003,
        "spx_low": np.minimum(opens, closes) * 0.997,
        "spx_close": closes,
        "vix_close": vix,
    }
    return MarketHistory.from_bars(days, bars)


def plain_net_pnl(
    history: MarketHistory, spec: CondorSpec, costs: Costs, surface: Surface = VIX_ONLY
) -> list[list[float]]:
    """Net dollars of one condor held to settlement, by session and multiplier, one at a time."""
    price, vix, settlement = (
        values.tolist()
        for values in (entry_price(history, spec), entry_vix(history, spec), settlement_price(history, spec))
    )
    days = [day.item() for day in history.sessions]
    half_days = exchange_sessions().half_days
    first = 0 if spec.entry == "open" else 1
    results = []
    for at in range(len(days) - spec.dte_sessions):
        if math.isnan(price[at] + vix[at] + settlement[at]):
            results.append([math.nan] * len(SD_MULTIPLIERS))
            continue
        life = sum(3.5 / 6.5 if day in half_days else 1.0 for day in days[at + first : at + spec.dte_sessions + 1])
        move = price[at] * vix[at] / 100 * math.sqrt(spec.horizon_sessions / 252)
        results.append(
            [
                _net(price[at], vix[at], settlement[at], move * multiplier, life, spec, costs, surface)
                for multiplier in SD_MULTIPLIERS
            ]
        )
    return results


def _net(
    price: float,
    vix: float,
    settlement: float,
    half_width: float,
    life: float,
    spec: CondorSpec,
    costs: Costs,
    surface: Surface,
) -> float:
    step, wing = spec.strike_step_points, spec.wing_width_points
    put_short = math.floor((price - half_width) / step) * step
    call_short = math.ceil((price + half_width) / step) * step
    scale = float(np.interp(life, surface.lives, surface.scale[spec.entry]))
    put, put_wing = (
        _value(price, strike, vix, scale, life, surface, put=True) for strike in (put_short, put_short - wing)
    )
    call, call_wing = (
        _value(price, strike, vix, scale, life, surface, put=False) for strike in (call_short, call_short + wing)
    )
    mid = min(max(put - put_wing + call - call_wing, 0.0), wing)
    loss = min(max(put_short - settlement, 0.0), wing) + min(max(settlement - call_short, 0.0), wing)
    return 100 * (mid - 2 * costs.slippage_points - loss) - 4 * costs.commission_dollars


def _value(price: float, strike: float, vix: float, scale: float, life: float, surface: Surface, *, put: bool) -> float:
    years = life / 252
    x = math.log(strike / price) / (vix / 100 * math.sqrt(years))
    deviation = vix / 100 * scale * (1 + surface.skew * (math.sqrt(1 + x * x) - 1 - x)) * math.sqrt(years)
    d1 = math.log(price / strike) / deviation + deviation / 2
    d2 = d1 - deviation
    if put:
        return strike * _normal(-d2) - price * _normal(-d1)
    return price * _normal(d1) - strike * _normal(d2)


def _normal(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def main() -> None:
    history = read_market_csv(Path(sys.argv[1])) if len(sys.argv) > 1 else synthetic_history()
    print(f"{len(history)} sessions, {len(SD_MULTIPLIERS)} multipliers; trades, accounts and all figures")
    for spec in SPECS:
        started = time.perf_counter()
        list(backtest(history, spec).figures())
        took = time.perf_counter() - started
        print(f"  {spec.entry}, dte {spec.dte_sessions}, {spec.management}: {took:.3f} s")
    spec, positions = SPECS[0], np.arange(len(history) - SPECS[0].dte_sessions)
    started = time.perf_counter()
    sell(history, positions, spec, Costs(), SD_MULTIPLIERS, BY_VIX)
    vectorised = time.perf_counter() - started
    started = time.perf_counter()
    plain_net_pnl(history, spec, Costs())
    loop = time.perf_counter() - started
    print(f"trades alone, {spec.entry}, dte {spec.dte_sessions}: vectorised {vectorised:.3f} s, loop {loop:.3f} s")
    print(f"ratio {loop / vectorised:.0f}")


if __name__ == "__main__":
    main()
