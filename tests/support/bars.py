"""Small histories whose every number is chosen: at `VIX_OF_ONE_PERCENT` the one-session expected move is 1 %."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from kronos.market.history import MarketHistory
from kronos.market.sessions import exchange_sessions

VIX_OF_ONE_PERCENT = math.sqrt(252)
START = date(2017, 6, 5)


def bars(
    closes: Sequence[float],
    *,
    start: date = START,
    opens: Sequence[float] | float = 2000.0,
    lows: Sequence[float] | None = None,
    highs: Sequence[float] | None = None,
    vix: Sequence[float] | float = VIX_OF_ONE_PERCENT,
) -> MarketHistory:
    """Consecutive sessions from `start`; VIX opens where it closes, lows and highs span open and close."""
    days = exchange_sessions().between(start, start + timedelta(days=2 * len(closes) + 10))[: len(closes)]
    close, opened = np.array(closes, dtype=float), np.broadcast_to(np.asarray(opens, dtype=float), len(closes))
    columns = {
        "spx_open": opened,
        "spx_high": np.maximum(opened, close) if highs is None else highs,
        "spx_low": np.minimum(opened, close) if lows is None else lows,
        "spx_close": close,
        "vix_close": np.broadcast_to(np.asarray(vix, dtype=float), len(closes)),
        "vix_open": np.broadcast_to(np.asarray(vix, dtype=float), len(closes)),
    }
    return MarketHistory.from_bars(days, {name: np.asarray(values, dtype=float) for name, values in columns.items()})
