"""SPX from Yahoo's chart API, or from your own CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from urllib.parse import urlencode

from kronos.market.sessions import NEW_YORK
from kronos.market.sources.chart_json import parse_chart
from kronos.market.sources.daily_csv import parse_daily_csv
from kronos.market.sources.download import DEFAULT_LIMITS, Limits, download, without_secrets
from kronos.market.sources.source import DailyBars, SourceError, blaming

SPX_URL = "https://query1.finance.yahoo.com/v8/finance/chart/%5EGSPC"


@dataclass(frozen=True, slots=True)
class SpxChart:
    """An address that answers in the chart format, or with a CSV file of daily bars."""

    url: str = SPX_URL
    limits: Limits = DEFAULT_LIMITS

    def bars(self, first: date, last: date) -> DailyBars:
        """The bars from `first` to `last`; more if the address answers with a whole file."""
        period = {"period1": _midnight(first), "period2": _midnight(last + timedelta(days=1)), "interval": "1d"}
        separator = "&" if "?" in self.url else "?"
        remedy = "try again later, or bring your own bars with --spx-csv"
        with blaming(f"SPX from {without_secrets(self.url)}", remedy):
            content = download(f"{self.url}{separator}{urlencode(period)}", self.limits)
            return parse_chart(content) if content.lstrip().startswith(b"{") else parse_daily_csv(content)


@dataclass(frozen=True, slots=True)
class SpxFile:
    """Your own CSV file: date, open, high, low, close."""

    path: Path

    def bars(self, first: date, last: date) -> DailyBars:
        """All bars in the file."""
        with blaming(f"SPX from {self.path}", "the columns are date, open, high, low, close"):
            try:
                content = self.path.read_bytes()
            except OSError as error:
                raise SourceError(f"{error.strerror}") from error
            return parse_daily_csv(content)


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), NEW_YORK).timestamp())
