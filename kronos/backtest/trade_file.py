"""The trades of a backtest as a CSV file: one row per condor that the account traded."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from kronos.backtest.run import Backtest
from kronos.condor.settlement import settles_at_minute
from kronos.condor.spec import OUTCOMES
from kronos.market.history import MarketHistory

COLUMNS = (
    "session",
    "sd_multiplier",
    "price",
    "vix",
    "put_long",
    "put_short",
    "call_short",
    "call_long",
    "credit_points",
    "ended",
    "settles_at",
    "outcome",
    "bought_back",
    "cost_points",
    "net_pnl_dollars",
    "contracts",
    "total_pnl_dollars",
    "money",
)


def write_trades(result: Backtest, history: MarketHistory, path: Path) -> int:
    """Write the trades in order of session and multiplier, and return how many there are.

    `ended` is the session in which the condor settled or was bought back, and `settles_at` is its expiry in New York
    time. `net_pnl_dollars` is for one contract after all costs, and `total_pnl_dollars` for all contracts.

    Raises
    ------
    OSError
    """
    traded = np.argwhere(result.account.contracts).tolist()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_record(result, history, row, at) for row, at in traded)
    return len(traded)


def _record(result: Backtest, history: MarketHistory, row: int, at: int) -> list[object]:
    trades, ended = result.trades, result.trades.endings
    entered = trades.positions[row]
    expiry = history.sessions[entered + result.spec.dte_sessions]
    minute = int(settles_at_minute(expiry))
    net, contracts = trades.net_pnl_dollars[row, at], result.account.contracts[row, at]
    return [
        trades.sessions[row],
        trades.sd_multipliers[at],
        float(trades.price[row]),
        float(trades.vix[row]),
        *(float(strike[row, at]) for strike in trades.strikes),
        round(float(trades.credit_points[row, at]), 4),
        history.sessions[entered + ended.sessions_held[row, at]],
        f"{expiry}T{minute // 60:02}:{minute % 60:02}",
        OUTCOMES[trades.outcome[row, at]],
        int(ended.bought_back[row, at]),
        round(float(ended.cost_points[row, at]), 4),
        round(float(net), 2),
        int(contracts),
        round(float(net * contracts), 2),
        trades.money,
    ]
