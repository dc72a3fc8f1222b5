"""HTTP of the daily bars."""

from __future__ import annotations

from fastapi import APIRouter

from ares_client.contract import MarketDays, MarketDaysReply
from service.dependencies import MarketDayServiceDependency
from service.http import problems

router = APIRouter(tags=["market days"])


@router.put("/market-days", responses=problems(413, 422, 503))
async def put_market_days(days: MarketDays, market_days: MarketDayServiceDependency) -> MarketDaysReply:
    """Insert or replace daily bars; features are derived from them."""
    return await market_days.put(days)
