"""Daily bars from Yahoo's chart format: `chart.result[0]` with `timestamp` and `indicators.quote[0]`.

A timestamp lies within its session. While a session is still open, its day appears a second time with the latest
prices. The prices carry the noise of 32-bit floats, so they are rounded to hundredths, as SPX is published.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from kronos.market.sessions import NEW_YORK
from kronos.market.sources.source import PRICES, DailyBars, SourceError

DAILY = "1d"
PUBLISHED_DECIMALS = 2


def parse_chart(content: bytes) -> DailyBars:
    """Read bars by their date in New York; a missing or non-positive price becomes NaN.

    Raises
    ------
    SourceError
        If the text has another format, reports an error, or holds no daily bars.
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
        return DailyBars.from_rows(
            {
                datetime.fromtimestamp(stamp, NEW_YORK).date(): tuple(map(_price, prices))
                for stamp, *prices in zip(stamps, *columns, strict=True)
            }
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise SourceError("not in the expected chart format") from error


def _price(value: Any) -> float:
    price = math.nan if value is None else float(value)
    return round(price, PUBLISHED_DECIMALS) if math.isfinite(price) and price > 0 else math.nan
