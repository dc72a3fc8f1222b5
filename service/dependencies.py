"""How endpoints get at the application's collaborators, and at their transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from service.advice.service import AdviceService
from service.db.engine import transaction
from service.market_days.service import MarketDayService
from service.models.service import ModelService
from service.outcomes.service import OutcomeService
from service.performance.service import PerformanceService
from service.retrain.service import RetrainService
from service.settings import Settings
from service.state import AppState


async def app_state(request: Request) -> AppState:
    """The state that the lifespan made."""
    state: AppState = request.state.app
    return state


StateDependency = Annotated[AppState, Depends(app_state)]


async def database_session(state: StateDependency) -> AsyncIterator[AsyncSession]:
    """One request, one transaction: committed before the reply is sent, rolled back on any error."""
    async with transaction(state.sessions) as session:
        yield session


SessionDependency = Annotated[AsyncSession, Depends(database_session, scope="function")]


async def _settings(state: StateDependency) -> Settings:
    return state.settings


async def _advice(state: StateDependency) -> AdviceService:
    return state.advice


async def _outcomes(state: StateDependency, session: SessionDependency) -> OutcomeService:
    return OutcomeService(session, state.market_holder, state.model_holder, state.clock)


async def _retrain(state: StateDependency, session: SessionDependency) -> RetrainService:
    return RetrainService(session, state.clock)


async def _models(state: StateDependency, session: SessionDependency) -> ModelService:
    return ModelService(session, state.clock, state.settings.models_kept)


async def _performance(state: StateDependency) -> PerformanceService:
    return state.performance


async def _market_days(state: StateDependency, session: SessionDependency) -> MarketDayService:
    return MarketDayService(session, state.clock)


SettingsDependency = Annotated[Settings, Depends(_settings)]
AdviceServiceDependency = Annotated[AdviceService, Depends(_advice)]
OutcomeServiceDependency = Annotated[OutcomeService, Depends(_outcomes, scope="function")]
RetrainServiceDependency = Annotated[RetrainService, Depends(_retrain, scope="function")]
ModelServiceDependency = Annotated[ModelService, Depends(_models, scope="function")]
PerformanceServiceDependency = Annotated[PerformanceService, Depends(_performance)]
MarketDayServiceDependency = Annotated[MarketDayService, Depends(_market_days, scope="function")]
