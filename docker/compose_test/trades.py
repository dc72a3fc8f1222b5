"""Honest trades over the bundled sample, as a bot would have closed them."""

from __future__ import annotations

import csv
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

SESSIONS_PER_YEAR = 252


def honest_trades(sample: Path, after: str, count: int) -> list[dict[str, Any]]:
    """The first `count` condors sold at the open after a date, one expected move wide."""
    with sample.open(newline="") as lines:
        days = list(csv.DictReader(lines))
    trades = []
    for before, day in pairwise(days):
        vix, price, close = float(before["vix_close"]), float(day["spx_open"]), float(day["spx_close"])
        expected_move = price * vix / 100 * math.sqrt(1 / SESSIONS_PER_YEAR)
        outcome = "MAX_PROFIT"
        if abs(close - price) > expected_move:
            outcome = "CALL_BREACHED" if close > price else "PUT_BREACHED"
        trades.append(
            {
                "trade_id": f"compose-{day['date']}",
                "trade_date": day["date"],
                "outcome": outcome,
                "net_pnl": 95.0 if outcome == "MAX_PROFIT" else -905.0,
                "features": {"vix": vix, "price": price},
                "sd_multiplier": 1.0,
            }
        )
    return [trade for trade in trades if str(trade["trade_date"]) > after][:count]
