"""The application factory: takes settings and a clock; the lifespan opens and closes everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker

from ares_client.contract import Outcome, OutcomeBatch, Problem
from kronos.sessions import exchange_sessions
from service.advice import endpoints as advice
from service.advice.log import AdviceLog
from service.advice.service import AdviceRules, AdviceService
from service.auth import require_key
from service.clock import Clock, system_clock
from service.db.engine import create_engine
from service.health import endpoints as health
from service.http import RequestLimits, install_error_handlers
from service.market_days import endpoints as market_days
from service.market_days.holder import MarketHolder
from service.models import endpoints as models
from service.models.holder import ChampionOnDisk, ModelHolder
from service.outcomes import endpoints as outcomes
from service.retrain import endpoints as retrain
from service.settings import Settings
from service.state import AppState
from service.watcher import Watcher

log = structlog.get_logger(__name__)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, AppState]]]


def create_app(settings: Settings, clock: Clock = system_clock) -> FastAPI:
    """The service over the database that the settings name."""
    app = FastAPI(
        title="ARES ML Advisor",
        version=version("ares-ml-advisor"),
        description="Calibrated advice for one SPX iron condor a day.",
        lifespan=_lifespan(settings, clock),
    )
    install_error_handlers(app)
    app.add_middleware(RequestLimits, max_body_bytes=settings.max_body_bytes, exempt=frozenset({"/models"}))
    app.include_router(health.router)
    for guarded in (advice, outcomes, retrain, models, market_days):
        app.include_router(guarded.router, dependencies=[require_key])
    _describe_more_schemas(app)
    return app


def _lifespan(settings: Settings, clock: Clock) -> Lifespan:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, AppState]]:
        engine = create_engine(settings)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        model_holder, market_holder = ModelHolder(), MarketHolder()
        advice_log = AdviceLog(sessions, settings.advice_log_capacity)
        rules = AdviceRules(settings.policy, timedelta(days=settings.model_max_age_days))
        state = AppState(
            settings=settings,
            clock=clock,
            sessions=sessions,
            model_holder=model_holder,
            market_holder=market_holder,
            advice=AdviceService(model_holder, market_holder, advice_log, rules, clock),
        )
        on_disk = ChampionOnDisk(settings.data_dir)
        watcher = Watcher(settings, sessions, model_holder, market_holder, on_disk)
        await watcher.refresh()
        if model_holder.live is None and (kept := await asyncio.to_thread(on_disk.load)) is not None:
            model_holder.swap(kept)
        if exchange_sessions().ends_soon(clock().date()):
            log.warning("session_list_ends_soon", last=str(exchange_sessions().last))
        tasks = [asyncio.create_task(watcher.run()), asyncio.create_task(advice_log.run())]
        try:
            yield {"app": state}
        finally:
            state.draining = True
            await _stop(tasks)
            try:
                if not await advice_log.flush():
                    log.warning("advice_log_lost_at_shutdown", rows=advice_log.waiting)
            finally:
                await engine.dispose()

    return lifespan


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _describe_more_schemas(app: FastAPI) -> None:
    """Put the models that no signature names into the OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, object]:
        document = generate()
        schemas = document["components"]["schemas"]
        for model in (Problem, Outcome, OutcomeBatch):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[model.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
