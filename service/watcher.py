"""Keeps the live model and the bars in memory equal to what Postgres holds: told by NOTIFY, made sure by a poll."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from kronos.errors import ArtefactError
from service.db.engine import Sessions, connect, is_unavailable, transaction
from service.errors import DatabaseUnavailableError
from service.market_days.holder import MarketHolder
from service.market_days.repository import MarketDayRepository
from service.models.holder import ChampionOnDisk, LiveModel, ModelHolder
from service.models.repository import ModelRepository
from service.notifications import CHANNEL, Topic
from service.settings import Settings

log = structlog.get_logger(__name__)


class Watcher:
    """Refreshes the holders for as long as it runs; a database that is away leaves what is served as it is."""

    def __init__(
        self,
        settings: Settings,
        sessions: Sessions,
        models: ModelHolder,
        market: MarketHolder,
        on_disk: ChampionOnDisk,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._models = models
        self._market = market
        self._on_disk = on_disk
        self._changed = asyncio.Event()
        self._bars: tuple[int, datetime | None] | None = None
        self._refused_sha256: str | None = None

    async def refresh(self) -> bool:
        """Load what has changed; False where Postgres cannot be asked."""
        try:
            await self._refresh_model()
            await self._refresh_market()
        except DatabaseUnavailableError as error:
            log.warning("database_unavailable", error=str(error), cause=repr(error.__cause__))
            return False
        return True

    async def run(self) -> None:
        """Refresh on every notification, and every poll interval, until cancelled."""
        while True:
            try:
                await self._listen()
            except Exception as error:
                if not is_unavailable(error):
                    log.error("listening_failed", exc_info=error)
            await asyncio.sleep(min(1.0, self._settings.poll_seconds))

    async def _listen(self) -> None:
        """Refresh for as long as one listening connection lasts."""
        connection = await connect(self._settings)
        try:
            connection.add_termination_listener(self._wake)
            await connection.add_listener(CHANNEL, self._wake)
            while not connection.is_closed():
                self._changed.clear()
                await self.refresh()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), self._settings.poll_seconds)
        finally:
            connection.terminate()

    def _wake(self, *told: Any) -> None:
        if told[-1] == Topic.MARKET_DAYS:
            # Bars stamped earlier may be committed later: being told outweighs the fingerprint.
            self._bars = None
        self._changed.set()

    async def _refresh_model(self) -> None:
        async with transaction(self._sessions) as session:
            models = ModelRepository(session)
            champion = await models.champion_identity()
            live = self._models.live
            if champion is None or champion[1] == self._refused_sha256:
                return
            if live is not None and champion == (live.version, live.sha256):
                return
            version, sha256 = champion
            content = await models.artefact(version)
        try:
            loaded = await asyncio.to_thread(LiveModel.load, version, content or b"")
        except ArtefactError as error:
            self._refused_sha256 = sha256
            log.error("champion_refused", model_version=version, error=str(error))
            return
        self._models.swap(loaded)
        await asyncio.to_thread(self._on_disk.save, version, content or b"")

    async def _refresh_market(self) -> None:
        async with transaction(self._sessions) as session:
            market_days = MarketDayRepository(session)
            fingerprint = await market_days.fingerprint()
            if fingerprint == self._bars:
                return
            history = await market_days.history()
        self._market.swap(history)
        self._bars = fingerprint
        log.info(
            "market_days_loaded",
            sessions=fingerprint[0],
            through=str(history.sessions[-1]) if history else None,
        )
