"""The application factory. It takes settings and a clock; the lifespan opens and closes everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date, timedelta
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker

from kronos.market.clock import Clock, system_clock
from kronos.market.fomc import fomc_calendar
from kronos.market.sessions import exchange_sessions
from service.advice import endpoints as advice
from service.advice.log import AdviceLog
from service.advice.service import AdviceRules, AdviceService
from service.dashboard import endpoints as dashboard
from service.db.engine import close, create_engine
from service.health import endpoints as health
from service.http.body_limit import BodyLimit
from service.http.openapi import describe
from service.http.problems import install_error_handlers
from service.http.request_log import RequestLog
from service.http.same_origin import SameOrigin
from service.keys.allowance import Allowance
from service.market_days import endpoints as market_days
from service.metrics import ServiceMetrics
from service.models import endpoints as models
from service.outcomes import endpoints as outcomes
from service.performance import endpoints as performance
from service.performance.service import PerformanceService
from service.process.drain import Drain
from service.replica.bars import BarsHolder
from service.replica.keyring import Keyring
from service.replica.keys_on_disk import KeysOnDisk
from service.replica.model import ChampionOnDisk, ModelHolder
from service.replica.refresh import ReplicaRefresh
from service.retrain import endpoints as retrain
from service.settings import Settings
from service.state import AppState

log = structlog.get_logger(__name__)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[dict[str, AppState]]]


def create_app(settings: Settings, clock: Clock = system_clock, drain: Drain | None = None) -> FastAPI:
    """Build the service over the database that the settings name."""
    metrics = ServiceMetrics()
    app = FastAPI(
        title="ARES ML Advisor",
        version=version("ares-ml-advisor"),
        description="Calibrated advice for one SPX iron condor a day.",
        lifespan=_lifespan(settings, clock, metrics, drain or Drain()),
        redirect_slashes=False,
        # FastAPI's documentation pages load code from other hosts, on the origin where the dashboard keeps a key.
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)
    app.add_middleware(BodyLimit, max_body_bytes=settings.max_body_bytes, exempt=frozenset({"/models"}))
    app.add_middleware(SameOrigin)
    app.add_middleware(RequestLog, metrics=metrics)
    for part in (health, advice, outcomes, retrain, models, market_days, performance, dashboard):
        app.include_router(part.router)
    describe(app)
    return app


def _lifespan(settings: Settings, clock: Clock, metrics: ServiceMetrics, drain: Drain) -> Lifespan:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, AppState]]:
        engine = create_engine(settings)
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        model_holder, bars_holder = ModelHolder(), BarsHolder()
        advice_log = AdviceLog(sessions, settings.advice_log_capacity)
        rules = AdviceRules(settings.policy, timedelta(days=settings.model_max_age_days))
        state = AppState(
            settings=settings,
            clock=clock,
            sessions=sessions,
            model=model_holder,
            bars=bars_holder,
            advice=AdviceService(model_holder, bars_holder, advice_log, rules, clock, metrics),
            performance=PerformanceService(sessions, bars_holder, model_holder, clock),
            keyring=_keyring(settings),
            allowance=Allowance(settings.rate_limit_per_minute),
            metrics=metrics,
            drain=drain,
        )
        _watch(metrics, state, advice_log)
        watcher = ReplicaRefresh(state, ChampionOnDisk(settings.data_dir), KeysOnDisk(settings.data_dir))
        await watcher.start()
        _say_when_lists_end(metrics, clock().date())
        tasks = [asyncio.create_task(watcher.run()), asyncio.create_task(advice_log.run())]
        try:
            yield {"app": state}
        finally:
            drain.started = True
            await _stop(tasks)
            try:
                if not await advice_log.flush():
                    log.warning("advice_log_lost_at_shutdown", rows=advice_log.waiting)
            finally:
                await close(engine)

    return lifespan


def _say_when_lists_end(metrics: ServiceMetrics, today: date) -> None:
    """After the last session there is no advice; after the last announcement a poorer variant gives it."""
    sessions, announcements = exchange_sessions(), fomc_calendar()
    metrics.lists_end(sessions=sessions.last, fomc=announcements.last)
    if sessions.ends_soon(today):
        log.warning("session_list_ends_soon", last=str(sessions.last))
    if announcements.ends_soon(today):
        log.warning("fomc_list_ends_soon", last=str(announcements.last))


def _keyring(settings: Settings) -> Keyring:
    bootstrap_key = None if settings.api_key is None else settings.api_key.get_secret_value()
    return Keyring(bootstrap_key, may_be_open=settings.binds_loopback_only)


def _watch(metrics: ServiceMetrics, state: AppState, advice_log: AdviceLog) -> None:
    """Export values that are read only when the metrics are scraped."""
    metrics.watch("advisor_advice_log_waiting", "Answers not yet stored.", lambda: advice_log.waiting)
    metrics.watch("advisor_advice_log_lost", "Answers dropped before they were stored.", lambda: advice_log.lost)
    metrics.watch("advisor_ready", "1 if /readyz answers 200, else 0.", lambda: state.not_ready_because is None)


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
