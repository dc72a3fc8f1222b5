"""SPX and SPY from Yahoo's chart API, or SPX from your own CSV file."""

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

CHART_URL = "https://query1.finance.yahoo.com/v8/finance/chart/"
SPX_URL = f"{CHART_URL}%5EGSPC"
SPY_URL = f"{CHART_URL}SPY"


@dataclass(frozen=True, slots=True)
class Chart:
    """An address that answers in the chart format, or with a CSV file of daily bars.

    Attributes
    ----------
    instrument : for messages
    adjusted : whether prices are adjusted for dividends; a CSV file is taken as it is
    remedy : what the reader of an error should do
    """

    url: str = SPX_URL
    limits: Limits = DEFAULT_LIMITS
    instrument: str = "SPX"
    adjusted: bool = False
    remedy: str = "try again later, or bring your own bars with --spx-csv"

    def bars(self, first: date, last: date) -> DailyBars:
        """The bars from `first` to `last`; more if the address answers with a whole file."""
        period = {"period1": _midnight(first), "period2": _midnight(last + timedelta(days=1)), "interval": "1d"}
        separator = "&" if "?" in self.url else "?"
        with blaming(f"{self.instrument} from {without_secrets(self.url)}", self.remedy):
            content = download(f"{self.url}{separator}{urlencode(period)}", self.limits)
            if not content.lstrip().startswith(b"{"):
                return parse_daily_csv(content)
            return parse_chart(content, adjusted=self.adjusted)


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
