"""The real market data for evaluation, where it is there: tests that need it skip without it."""

from __future__ import annotations

from functools import cache

import pytest

from kronos.market.csv_file import read_market_csv
from kronos.market.history import MarketHistory
from scripts.join_bars import joined
from tests.support.paths import EVALUATION_DATA

BARS = EVALUATION_DATA / "spx_vix_daily_1990_2018.csv"
OTHERS = {
    "spy": EVALUATION_DATA / "spy_daily_1993_2018.csv",
    "vix9d": EVALUATION_DATA / "vix9d_daily_2018.csv",
    "vix3m": EVALUATION_DATA / "vix3m_daily_2018.csv",
}
needs_evaluation_data = pytest.mark.skipif(
    not all(path.exists() for path in (BARS, *OTHERS.values())), reason="the evaluation data is not here"
)


@cache
def evaluation_history() -> MarketHistory:
    """SPX and VIX from 1990 to 2018, SPY from 1993, VIX9D from 2011 and VIX3M from 2009 on."""
    return joined(read_market_csv(BARS), OTHERS)
