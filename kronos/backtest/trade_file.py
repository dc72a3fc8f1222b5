"""The sessions of backtests as a CSV file: one row per session and condor, traded or not, with why not."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kronos.backtest.endings import UNKNOWN_MINUTE, Reason
from kronos.backtest.run import Backtest
from kronos.backtest.trades import Skip
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
    "reason",
    "minute",
    "cost_points",
    "net_pnl_dollars",
    "contracts",
    "total_pnl_dollars",
    "why_not_traded",
    "world",
    "money",
)


def write_trades(results: Sequence[Backtest], history: MarketHistory, path: Path) -> int:
    """Write every session in order of world, session and multiplier, and return how many rows there are.

    `ended` is the session in which the condor settled or was bought back, and `settles_at` is its expiry in New York
    time. `net_pnl_dollars` is for one contract after all costs, and `total_pnl_dollars` for all contracts. What is not
    known of a condor that was not sold is empty; `why_not_traded` is empty for those that were traded.

    Raises
    ------
    OSError
    """
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for result in results:
            for record in _records(result, history):
                writer.writerow(record)
                rows += 1
    return rows


def _records(result: Backtest, history: MarketHistory) -> Iterator[list[object]]:
    """One per session and multiplier, in order."""
    reasons = {str(day): reason for reason, days in result.left_out.items() for day in days}
    entered = {str(day): row for row, day in enumerate(result.sessions)}
    multipliers = [shorts.label for shorts in result.trades.shorts]
    for day in sorted(reasons.keys() | entered.keys()):
        for at, multiplier in enumerate(multipliers):
            if day in entered:
                yield _record(result, history, entered[day], at)
            else:
                blanks = [""] * (len(COLUMNS) - 5)
                yield [day, multiplier, *blanks, reasons[day], result.trades.source, result.trades.money]


def _why_not(result: Backtest, row: int, at: int) -> str:
    """Why a condor was not traded; empty if it was."""
    skip = Skip(result.trades.skip[row, at])
    if skip is not Skip.NONE:
        return skip.name.lower()
    if result.account.contracts[row, at]:
        return ""
    return "not_affordable" if result.account.too_small[row, at] else "limit_reached"


def _record(result: Backtest, history: MarketHistory, row: int, at: int) -> list[object]:
    trades, ended = result.trades, result.trades.endings
    entered = trades.positions[row]
    expiry = history.sessions[entered + result.spec.dte_sessions]
    minute = int(settles_at_minute(expiry))
    net, contracts = trades.net_pnl_dollars[row, at], result.account.contracts[row, at]
    known = trades.skip[row, at] != Skip.NO_BAR
    return [
        trades.sessions[row],
        trades.shorts[at].label,
        _rounded(trades.price[row], 6),
        _rounded(trades.vix[row], 6),
        *(_rounded(strike[row, at], 6) for strike in trades.strikes),
        _rounded(trades.credit_points[row, at], 4),
        history.sessions[entered + ended.sessions_held[row, at]],
        f"{expiry}T{_clock(minute)}",
        OUTCOMES[trades.outcome[row, at]] if known else "",
        int(ended.bought_back[row, at]),
        Reason(ended.reason[row, at]).name.lower(),
        _clock(int(ended.minute[row, at])),
        _rounded(ended.cost_points[row, at], 4),
        _rounded(net, 2),
        int(contracts),
        _rounded(net * contracts if contracts else 0.0, 2),
        _why_not(result, row, at),
        trades.source,
        trades.money,
    ]


def _clock(minute: int) -> str:
    """In New York; empty where a daily bar does not say."""
    return "" if minute == UNKNOWN_MINUTE else f"{minute // 60:02}:{minute % 60:02}"


def _rounded(value: float, digits: int) -> float | str:
    """Empty for what is not known."""
    return "" if np.isnan(value) else round(float(value), digits)
