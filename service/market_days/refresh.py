"""Fresh bars from the configured sources, for the worker's schedule."""

from __future__ import annotations

import asyncio

import structlog

from kronos.errors import KronosError
from kronos.fetch import FetchReport, Sources, fetch_history
from kronos.sessions import as_date
from kronos.sources.spx import SpxChart
from kronos.sources.vix import VixFile
from service.clock import Clock
from service.db.engine import Sessions, transaction
from service.market_days.repository import MarketDayRepository
from service.notifications import Topic, notify
from service.outcomes.settled import Judge
from service.settings import Settings

log = structlog.get_logger(__name__)


async def refresh_market_days(settings: Settings, sessions: Sessions, clock: Clock) -> None:
    """Add the bars of the sessions that have settled since the last one held; what cannot be had is logged.

    Raises
    ------
    DatabaseUnavailableError
    """
    if settings.vix_url is None or settings.spx_url is None:
        return
    sources = Sources(spx=SpxChart(settings.spx_url), vix=VixFile(settings.vix_url))
    async with transaction(sessions) as session:
        existing = await MarketDayRepository(session).history()
    try:
        report = await asyncio.to_thread(fetch_history, sources, clock, existing)
    except KronosError as error:
        log.error("market_days_not_refreshed", error=str(error))
        return
    await _store(report, sessions)
    log.info(
        "market_days_refreshed",
        added=len(report.added),
        restated=len(report.restated),
        lacking={index: len(days) for index, days in report.lacking.items()},
    )


async def _store(report: FetchReport, sessions: Sessions) -> None:
    if not len(report.added):
        return
    async with transaction(sessions) as session:
        await MarketDayRepository(session).upsert_history(report.history.on(report.added))
        await Judge(session).judge_since(as_date(report.added[0]), as_date(report.added[-1]))
        await notify(session, Topic.MARKET_DAYS)
