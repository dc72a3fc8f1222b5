"""The kind of table that Vilkov's "0DTE Trading Rules" has (SSRN 4641356): condors of one session.

    python -m benchmarks.condor_table FILE

P&L is in basis points of the index, per session, traded or not; rows with a rule trade only what it lets through, and
the policy is learned anew before each fold. `hits` is the share of trades that earn something.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from kronos.backtest import Trades
from kronos.backtest.trades import sell
from kronos.condor.costs import DEFAULT_COSTS, DOLLARS_PER_POINT, Costs
from kronos.condor.shorts import Shorts
from kronos.condor.spec import CondorSpec
from kronos.features.variants import FULL
from kronos.market.csv_file import read_market_csv
from kronos.market.history import Flags, Floats
from kronos.statistics.intervals import t_statistic
from kronos.statistics.ratios import sharpe
from kronos.training.estimator import walk_variant
from kronos.training.money_study import ALWAYS, POLICY, study_money
from kronos.training.recipe import DEFAULT_RECIPES
from kronos.training.rows import build_rows
from kronos.training.worlds import BY_VOLATILITY, efficient_prices, fair_prices

SHORTS = (Shorts.even(0.6), Shorts.even(0.8), Shorts.even(1.0), Shorts(0.1, 0.1, "delta"), Shorts(0.2, 0.2, "delta"))
CHEAP = Costs(slippage_points=0.05)
"""A tick of 0.05 a spread: what quotes of late years cost to cross, against the 0.15 of the default."""
RULES = (ALWAYS, POLICY, "skip VIX9D above VIX", "skip VIX above 20")


def main() -> None:
    history = read_market_csv(Path(sys.argv[1]))
    spec = CondorSpec()
    rows = build_rows(history, spec)[0]
    walk = walk_variant(rows, FULL, spec.horizon_sessions, DEFAULT_RECIPES[spec.entry])
    tested, scored = walk.predictions, walk.predictions.scored()
    study = study_money(tested, walk.tested, scored, rows, history, spec)
    positions = np.searchsorted(history.sessions, study.sessions)
    fair = fair_prices(tested, walk.tested, rows, history, spec)
    worlds = {world.money: prices for world, prices in BY_VOLATILITY.items()}
    if fair is not None:
        by_multiplier = tuple(one for one in SHORTS if one.by == "multiplier")
        worlds["modelled, efficient"] = efficient_prices(fair, history, spec, by_multiplier, positions)
    span = f"{study.sessions[0]} to {study.sessions[-1]}"
    print(f"{len(study.sessions)} sessions, {span}; open to close, wings 10 points; bp of the index a session")
    heads = f"{'bp':>8s} {'t':>5s} {'Sharpe':>7s} {'hits':>6s}"
    print(f"{'before costs':>60s}, then after costs of 0.15 and of 0.05 a spread\n{'shorts':>36s} {heads}")
    for money, prices in worlds.items():
        shorts = [one for one in SHORTS if money != "modelled, efficient" or one.by == "multiplier"]
        sold = {costs: sell(history, positions, spec, costs, shorts, prices) for costs in (DEFAULT_COSTS, CHEAP)}
        print(money)
        for rule in RULES:
            for column, one in enumerate(shorts):
                print(f"  {rule:22s}{one.label!s:>12s}", *_figures(sold, column, study.rules[rule] > 0))


def _figures(sold: dict[Costs, Trades], column: int, traded: Flags) -> list[str]:
    dear, cheap = sold.values()
    gross = dear.gross_pnl_dollars(DEFAULT_COSTS)
    found = [_bp(gross[:, column], dear, traded)]
    found += [_bp(trades.net_pnl_dollars[:, column], trades, traded) for trades in (dear, cheap)]
    (before, *after) = found
    hits = [(trades.net_pnl_dollars[traded, column] > 0).mean() for trades in (dear, cheap)]
    share = (gross[traded, column] > 0).mean()
    return [
        f"{before.mean():+8.2f} {t_statistic(before):+5.1f} {_ratio(before):>7s} {share:6.0%} |",
        *(f"{bp.mean():+7.2f} {_ratio(bp):>6s} {won:4.0%}" for bp, won in zip(after, hits, strict=True)),
    ]


def _bp(dollars: Floats, trades: Trades, traded: Flags) -> Floats:
    """(n,) basis points of the index; 0 where the rule does not trade."""
    return np.where(traded, 1e4 * dollars / (DOLLARS_PER_POINT * trades.price), 0.0)


def _ratio(values: Floats) -> str:
    found = sharpe(values)
    return "-" if found is None else f"{found:+.2f}"


if __name__ == "__main__":
    main()
