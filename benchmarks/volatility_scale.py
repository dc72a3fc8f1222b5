"""The figures of `docs/decisions/0016-worlds-of-price.md`: what SPX has moved over what VIX implied, by entry and life.

    python -m benchmarks.volatility_scale FILE

`rms` and `median` are of |move| / expected move, the median over 0.6745, that of a normal; `even` is the scale of VIX,
or of the short-dated index, at which the modelled credit at a multiplier equals the mean payout, before costs. At the
open only sessions with SPY count. Last comes the fit of VIX9D over VIX.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from kronos.backtest.prices import SurfacePrices
from kronos.backtest.trades import sell
from kronos.condor.costs import Costs
from kronos.condor.entry import PriceSource, entry_price, entry_vix, price_sources
from kronos.condor.pricing import Surface
from kronos.condor.settlement import CLOSES_AT_MINUTE, settlement_price, settles_at_minute
from kronos.condor.short_dated import index_at_entry, ratio_terms
from kronos.condor.spec import CondorSpec, Entry, shortest_dte
from kronos.condor.strikes import expected_move
from kronos.condor.worlds import World
from kronos.market.csv_file import read_market_csv
from kronos.market.history import MarketHistory, Positions

HORIZONS: dict[Entry, tuple[int, ...]] = {"open": (0, 1, 5, 10, 21), "close": (1, 2, 5, 10, 22)}
MULTIPLIERS = (0.6, 0.8, 1.0, 1.2, 1.5)
FREE = Costs(slippage_points=0, commission_dollars=0)
NORMAL_MEDIAN = 0.6745


def entries(history: MarketHistory, spec: CondorSpec) -> Positions:
    """Settled sessions with a real entry price."""
    real = ~np.isnan(settlement_price(history, spec) + entry_vix(history, spec))
    if spec.entry == "open":
        real &= price_sources(history, spec) == PriceSource.SPY_IMPLIED
    return np.flatnonzero(real)


def break_even(history: MarketHistory, spec: CondorSpec, at: Positions, world: World, **shape: Any) -> list[float]:
    """The scale, constant over lives, that leaves no edge at each multiplier, by bisection."""
    low, high = np.full(len(MULTIPLIERS), 0.3), np.full(len(MULTIPLIERS), 1.5)
    for _ in range(14):
        middle = (low + high) / 2
        edges = []
        for column, scale in enumerate(middle):
            surface = Surface(world, {spec.entry: (scale,) * 5}, **shape)
            trades = sell(history, at, spec, FREE, (MULTIPLIERS[column],), SurfacePrices(surface))
            edges.append(trades.net_pnl_dollars.mean())
        low, high = np.where(np.array(edges) < 0, middle, low), np.where(np.array(edges) < 0, high, middle)
    return [round(float(scale), 3) for scale in (low + high) / 2]


def main() -> None:
    history = read_market_csv(Path(sys.argv[1]))
    for entry, dtes in HORIZONS.items():
        for dte in dtes:
            spec = CondorSpec(entry, dte)
            at = entries(history, spec)
            price, vix = entry_price(history, spec)[at], entry_vix(history, spec)[at]
            moved = (settlement_price(history, spec)[at] - price) / expected_move(price, vix, spec.horizon_sessions)
            print(
                f"{entry:5} dte {dte:2} sessions {len(at):4} rms {np.sqrt((moved**2).mean()):.3f}",
                f"median {np.median(np.abs(moved)) / NORMAL_MEDIAN:.3f} within 1 EM {(np.abs(moved) <= 1).mean():.3f}",
                f"even by VIX {break_even(history, spec, at, World.VIX_ONLY)}",
                f"flat {break_even(history, spec, at, World.VIX_ONLY, skew=0.0)}",
                f"short-dated {break_even(history, spec, at, World.SHORT_DATED)}",
            )
    default = CondorSpec()
    half_days = entries(history, default)
    half_days = half_days[settles_at_minute(history.sessions[half_days]) < CLOSES_AT_MINUTE]
    move = expected_move(entry_price(history, default), entry_vix(history, default), 1)[half_days]
    moved = (settlement_price(history, default) - entry_price(history, default))[half_days] / move
    print(f"half days, open dte 0: sessions {len(half_days)} rms {np.sqrt((moved**2).mean()):.3f}")
    for entry in HORIZONS:
        print(
            f"{entry}: log(VIX9D / VIX) = a + b log(VIX / month) + c log(realised / VIX): {vix9d_fit(history, entry)}"
        )


def vix9d_fit(history: MarketHistory, entry: Entry) -> str:
    """Least squares where VIX9D is there."""
    spec = CondorSpec(entry, shortest_dte(entry))
    vix = entry_vix(history, spec)
    ratio = np.log(index_at_entry(history, spec, "vix9d") / vix)
    terms = np.column_stack([np.ones(len(vix)), *ratio_terms(history, spec, vix)])
    known = ~np.isnan(ratio + terms.sum(axis=1))
    slopes = np.linalg.lstsq(terms[known], ratio[known], rcond=None)[0]
    explained = 1 - (ratio[known] - terms[known] @ slopes).var() / ratio[known].var()
    return f"{slopes.round(3).tolist()}, explains {explained:.2f} of {known.sum()}"


if __name__ == "__main__":
    main()
