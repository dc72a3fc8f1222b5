"""HTTP of the daily bars."""

from __future__ import annotations

from fastapi import APIRouter

from ares_client.contract import MarketDays, MarketDaysReply
from service.auth import require
from service.dependencies import MarketDayServiceDependency
from service.http import guarded
from service.keys.scopes import Scope

router = APIRouter(tags=["market days"])


@router.put("/market-days", dependencies=[require(Scope.OPERATE)], responses=guarded(400, 413, 422))
async def put_market_days(days: MarketDays, market_days: MarketDayServiceDependency) -> MarketDaysReply:
    """Insert or replace daily bars; features are derived from them."""
    return await market_days.put(days)
