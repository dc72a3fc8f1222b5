"""Fetches new bars from the configured sources, on the worker's schedule."""

from __future__ import annotations

import asyncio

import structlog

from kronos.errors import KronosError
from kronos.market.clock import Clock
from kronos.market.fetch import FetchReport, fetch_history
from kronos.market.sources.entries import sources_at
from service.db.engine import Sessions, transaction
from service.market_days.repository import MarketDayRepository
from service.market_days.service import MarketDayService
from service.settings import Settings

log = structlog.get_logger(__name__)


async def refresh_market_days(settings: Settings, sessions: Sessions, clock: Clock) -> None:
    """Add the bars of the sessions that have settled since the last stored one. Failures to fetch are logged.

    Raises
    ------
    DatabaseUnavailableError
    """
    if not settings.source_urls:
        return
    sources = sources_at(settings.source_urls)
    async with transaction(sessions) as session:
        existing = await MarketDayRepository(session).history()
    try:
        report = await asyncio.to_thread(fetch_history, sources, clock, existing)
    except KronosError as error:
        log.error("market_days_not_refreshed", error=str(error))
        return
    await _store(report, sessions, clock)
    log.info(
        "market_days_refreshed",
        added=len(report.added),
        filled=len(report.filled),
        restated=len(report.restated),
        lacking={index: len(days) for index, days in report.lacking.items()},
        away=report.away,
    )


async def _store(report: FetchReport, sessions: Sessions, clock: Clock) -> None:
    if len(report.news):
        async with transaction(sessions) as session:
            await MarketDayService(session, clock).add(report.history.on(report.news))
