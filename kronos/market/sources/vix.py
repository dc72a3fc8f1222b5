"""VIX from the exchange's public history file: DATE, OPEN, HIGH, LOW, CLOSE since 1990."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kronos.market.sources.daily_csv import parse_daily_csv
from kronos.market.sources.download import DEFAULT_LIMITS, Limits, download, without_secrets
from kronos.market.sources.source import DailyBars, blaming

VIX_URL = "https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv"


@dataclass(frozen=True, slots=True)
class VixFile:
    """The public file, which is always the whole history."""

    url: str = VIX_URL
    limits: Limits = DEFAULT_LIMITS

    def bars(self, first: date, last: date) -> DailyBars:
        """All bars of the file."""
        with blaming(f"VIX from {without_secrets(self.url)}", "try again later, or name another copy with --vix-url"):
            return parse_daily_csv(download(self.url, self.limits))
