"""`PUT /market-days`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from ares_client.contract.values import (
    Day,
    IndexPoints,
    Reply,
    Request,
    SpyDollars,
    VixPoints,
    VolatilityPoints,
)

MAX_MARKET_DAYS_PER_REQUEST = 2_000
INSTRUMENTS = ("spx", "vix", "spy", "vix9d", "vix3m", "vix1d")
ROUNDING = 0.001
"""As a fraction: sources round, and adjust, each price of a bar by itself."""


class MarketDay(Request):
    """One session's daily bars. Only SPX and the close of VIX are needed; `docs/data.md` says what the others give."""

    date: Day
    spx_open: IndexPoints
    spx_high: IndexPoints
    spx_low: IndexPoints
    spx_close: IndexPoints
    vix_close: VixPoints
    vix_open: VixPoints | None = None
    vix_high: VixPoints | None = None
    vix_low: VixPoints | None = None
    spy_open: SpyDollars | None = None
    spy_high: SpyDollars | None = None
    spy_low: SpyDollars | None = None
    spy_close: SpyDollars | None = None
    vix9d_open: VolatilityPoints | None = None
    vix9d_high: VolatilityPoints | None = None
    vix9d_low: VolatilityPoints | None = None
    vix9d_close: VolatilityPoints | None = None
    vix3m_open: VixPoints | None = None
    vix3m_high: VixPoints | None = None
    vix3m_low: VixPoints | None = None
    vix3m_close: VixPoints | None = None
    vix1d_open: VolatilityPoints | None = None
    vix1d_high: VolatilityPoints | None = None
    vix1d_low: VolatilityPoints | None = None
    vix1d_close: VolatilityPoints | None = None

    @model_validator(mode="after")
    def _lows_are_not_above_highs(self) -> Self:
        for instrument in INSTRUMENTS:
            low, high = (getattr(self, f"{instrument}_{price}") for price in ("low", "high"))
            if low is not None and high is not None and low > high:
                raise ValueError(f"{instrument}_low is above {instrument}_high")
        return self

    @model_validator(mode="after")
    def _spx_opens_and_closes_within_its_range(self) -> Self:
        """Not so the volatility indices: now and then the public files hold an open of VIX outside its day's range."""
        for name, value in (("spx_open", self.spx_open), ("spx_close", self.spx_close)):
            if not self.spx_low * (1 - ROUNDING) <= value <= self.spx_high * (1 + ROUNDING):
                raise ValueError(f"{name} lies outside spx_low to spx_high")
        return self


class MarketDays(Request):
    """Daily bars to insert or replace, at most 2,000 per request."""

    days: Annotated[list[MarketDay], Field(min_length=1, max_length=MAX_MARKET_DAYS_PER_REQUEST)]


class MarketDaysReply(Reply):
    """How many bars were stored, and the range the service now holds."""

    stored: int
    first: date
    last: date
    sessions: int
