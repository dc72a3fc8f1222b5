"""VIX and related indices from Cboe's public history files: DATE, OPEN, HIGH, LOW, CLOSE."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kronos.market.sources.daily_csv import parse_daily_csv
from kronos.market.sources.download import DEFAULT_LIMITS, Limits, download, without_secrets
from kronos.market.sources.source import DailyBars, blaming

CBOE_URL = "https://cdn.cboe.com/api/global/us_indices/daily_prices/"
VIX_URL = f"{CBOE_URL}VIX_History.csv"
VIX9D_URL = f"{CBOE_URL}VIX9D_History.csv"
VIX3M_URL = f"{CBOE_URL}VIX3M_History.csv"
VIX1D_URL = f"{CBOE_URL}VIX1D_History.csv"


@dataclass(frozen=True, slots=True)
class CboeFile:
    """The public file of one index, which always holds its whole history."""

    url: str = VIX_URL
    limits: Limits = DEFAULT_LIMITS
    index: str = "VIX"

    def bars(self, first: date, last: date) -> DailyBars:
        """All bars in the file."""
        remedy = f"try again later, or name another copy with --{self.index.lower()}-url"
        with blaming(f"{self.index} from {without_secrets(self.url)}", remedy):
            return parse_daily_csv(download(self.url, self.limits))
