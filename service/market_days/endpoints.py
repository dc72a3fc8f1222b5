"""HTTP endpoint for the daily bars."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from ares_client.contract import MarketDays, MarketDaysReply
from service.http.authorisation import require
from service.http.dependencies import Session, State
from service.http.problems import guarded
from service.keys.scopes import Scope
from service.market_days.service import MarketDayService

router = APIRouter(tags=["market days"])


async def _market_days(state: State, session: Session) -> MarketDayService:
    return MarketDayService(session, state.clock)


MarketDayServiceDependency = Annotated[MarketDayService, Depends(_market_days, scope="function")]


@router.put("/market-days", dependencies=[require(Scope.OPERATE)], responses=guarded(400, 413, 422))
async def put_market_days(days: MarketDays, market_days: MarketDayServiceDependency) -> MarketDaysReply:
    """Insert or replace daily bars, all or none.

    An instrument is replaced as a whole where one of its values is given. An optional one of which all values are
    absent or null stays as it is stored. To take a wrong value away, send the instrument's others without it.
    """
    return await market_days.put(days)
