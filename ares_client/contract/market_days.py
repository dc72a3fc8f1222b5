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
    def _low_is_not_above_high(self) -> Self:
        if self.spx_low > self.spx_high:
            raise ValueError("spx_low is above spx_high")
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
