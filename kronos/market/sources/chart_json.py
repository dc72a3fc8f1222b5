"""Daily bars from Yahoo's chart format: `chart.result[0]` with `timestamp`, `indicators.quote[0]` and, for what pays
dividends, `indicators.adjclose[0]`.

A timestamp lies within its session. While a session is still open, its day appears a second time with the latest
prices. The prices carry the noise of 32-bit floats, so they are rounded to hundredths, as they are published.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from kronos.market.sessions import NEW_YORK
from kronos.market.sources.source import PRICES, DailyBars, SourceError, SourceRow

DAILY = "1d"
PUBLISHED_DECIMALS = 2


def parse_chart(content: bytes, *, adjusted: bool = False) -> DailyBars:
    """Read bars by their date in New York; a missing or non-positive price becomes NaN.

    Parameters
    ----------
    adjusted : scale each day's prices by its adjusted close over its close

    Raises
    ------
    SourceError
        If the text has another format, reports an error, holds no daily bars, or lacks the adjusted closes asked for.
    """
    try:
        chart = json.loads(content)["chart"]
        if chart.get("error"):
            raise SourceError(f"it reports {chart['error']['description']!r}")
        result = chart["result"][0]
        if (granularity := result["meta"].get("dataGranularity", DAILY)) != DAILY:
            raise SourceError(f"it has bars of {granularity}, not daily bars")
        stamps, quote = result.get("timestamp", []), result["indicators"]["quote"][0]
        columns = [quote[name] for name in PRICES] if stamps else [[]] * len(PRICES)
        closes = columns[PRICES.index("close")]
        adjusted_closes = result["indicators"]["adjclose"][0]["adjclose"] if adjusted and stamps else closes
        return DailyBars.from_rows(
            {
                datetime.fromtimestamp(stamp, NEW_YORK).date(): _scaled(tuple(map(_price, prices)), adjusted_close)
                for stamp, adjusted_close, *prices in zip(stamps, adjusted_closes, *columns, strict=True)
            }
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise SourceError("not in the expected chart format") from error


def _scaled(prices: SourceRow, adjusted_close: Any) -> SourceRow:
    """The prices as they are, or scaled so that the close becomes the adjusted one."""
    close = prices[PRICES.index("close")]
    if (wanted := _price(adjusted_close)) == close or math.isnan(close):
        return prices
    return tuple(price * float(adjusted_close) / close if wanted > 0 else math.nan for price in prices)


def _price(value: Any) -> float:
    price = math.nan if value is None else float(value)
    return round(price, PUBLISHED_DECIMALS) if math.isfinite(price) and price > 0 else math.nan
