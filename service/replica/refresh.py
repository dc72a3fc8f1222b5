"""Keeps the model, bars and keys in memory up to date with Postgres, by NOTIFY and, in case one is lost, by polling."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from kronos.errors import ArtefactError
from kronos.market.sessions import as_date
from service.db.engine import connect, is_unavailable, transaction, why
from service.db.notifications import CHANNEL, Topic
from service.errors import DatabaseUnavailableError
from service.keys.caller import StoredKey
from service.keys.repository import KeyRepository, stored_key
from service.market_days.repository import MarketDayRepository
from service.models.repository import ModelRepository
from service.replica.keys_on_disk import KeysOnDisk
from service.replica.model import ChampionOnDisk, ServedModel
from service.replica.skill_watch import SkillWatch
from service.state import AppState

log = structlog.get_logger(__name__)


class ReplicaRefresh:
    """Refreshes while it runs. If the database is down, the replica goes on serving what it has."""

    def __init__(self, state: AppState, champion_on_disk: ChampionOnDisk, keys_on_disk: KeysOnDisk) -> None:
        self._settings = state.settings
        self._sessions = state.sessions
        self._models = state.model
        self._market = state.bars
        self._keyring = state.keyring
        self._metrics = state.metrics
        self._champion_on_disk = champion_on_disk
        self._keys_on_disk = keys_on_disk
        self._changed = asyncio.Event()
        self._bars: tuple[int, int, datetime | None] | None = None
        self._bars_told = 0
        self._skill = SkillWatch(state.sessions, self._silence)
        self._refused_sha256: str | None = None
        self._trouble: str | None = None
        self._keys_missed = False

    async def start(self) -> None:
        """Load everything from Postgres or, if it is unavailable, keys and model from their copies on disk."""
        await self.refresh()
        if self._keyring.keys is None and (keys := await asyncio.to_thread(self._keys_on_disk.load)) is not None:
            self._keyring.swap(keys)
        if self._models.served is None and (kept := await asyncio.to_thread(self._champion_on_disk.load)) is not None:
            self._serve(kept)

    async def refresh(self) -> None:
        """Load what has changed, if Postgres is available."""
        failed = False
        for refresh in (self._refresh_keys, self._refresh_model, self._refresh_market):
            try:
                await refresh()
            except DatabaseUnavailableError as error:
                self._database_failed(error.__cause__ or error)
                return
            except Exception as error:
                # The database is not migrated yet, or is not ours: serve what it does hold.
                self._database_failed(error)
                failed = True
        if not failed:
            self._database_answered()
        self._skill.look(self._models.served, self._market.history, self._bars)

    async def run(self) -> None:
        """Refresh at every notification and every poll interval, until cancelled."""
        try:
            while True:
                try:
                    await self._listen()
                except Exception as error:
                    self._database_failed(error)
                await asyncio.sleep(min(1.0, self._settings.poll_seconds))
        finally:
            await self._skill.stop()

    async def _listen(self) -> None:
        """Refresh while one listening connection lasts."""
        connection = await connect(self._settings, statement_seconds=self._settings.database_statement_timeout_seconds)
        try:
            connection.add_termination_listener(self._wake)
            await connection.add_listener(CHANNEL, self._wake)
            while not connection.is_closed():
                self._changed.clear()
                await self.refresh()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), self._settings.poll_seconds)
                if not self._changed.is_set():
                    # If the other end vanished without closing it, a connection is silent forever: probe it.
                    await connection.execute("SELECT")
        finally:
            connection.terminate()

    def _database_failed(self, error: BaseException) -> None:
        """Log what is wrong, once until the cause changes."""
        self._metrics.database_up.set(0)
        cause = why(error)
        if cause == self._trouble:
            return
        self._trouble = cause
        if is_unavailable(error):
            log.warning("database_unavailable", cause=cause)
        else:
            log.error("database_refused", cause=cause, exc_info=error)

    def _database_answered(self) -> None:
        self._metrics.database_up.set(1)
        if self._trouble is not None:
            self._trouble = None
            log.info("database_back")

    def _wake(self, *told: Any) -> None:
        if told[-1] == Topic.MARKET_DAYS:
            # Bars with an earlier timestamp may be committed later, which the fingerprint misses.
            self._bars_told += 1
        self._changed.set()

    async def _refresh_keys(self) -> None:
        async with transaction(self._sessions) as session:
            keys = tuple(stored_key(row) for row in await KeyRepository(session).all())
        if not keys and (kept := await self._keys_known_before()):
            keys = kept
        if keys != self._keyring.keys:
            self._keyring.swap(keys)
            await asyncio.to_thread(self._keys_on_disk.save, keys)
            log.info("keys_loaded", keys=len(keys))

    async def _keys_known_before(self) -> tuple[StoredKey, ...]:
        """What stays in force where Postgres holds no key: a lost database opens no service that was closed."""
        kept = await asyncio.to_thread(self._keys_on_disk.load)
        known = self._keyring.keys or tuple(kept or ())
        if known and not self._keys_missed:
            self._keys_missed = True
            log.error(
                "keys_missing_in_database", kept=len(known), remedy="restore it, or delete keys.json to open anew"
            )
        return known

    async def _refresh_model(self) -> None:
        async with transaction(self._sessions) as session:
            models = ModelRepository(session)
            champion = await models.champion_identity()
            served = self._models.served
            if champion is None or champion.sha256 == self._refused_sha256:
                return
            version, is_served = champion.version, served is not None and champion.is_of(served.version, served.sha256)
            content = None if is_served else await models.artefact(version)
        if served is not None and is_served:
            self._metrics.champion_refused.set(0)
            if self._skill.is_told:
                await self._silence(served, champion.silenced)
            return
        try:
            loaded = await asyncio.to_thread(ServedModel.load, version, content or b"", champion.silenced)
        except ArtefactError as error:
            self._refused_sha256 = champion.sha256
            self._metrics.champion_refused.set(1)
            log.error("champion_refused", model_version=version, error=str(error))
            return
        self._metrics.champion_refused.set(0)
        self._serve(loaded)
        await asyncio.to_thread(self._champion_on_disk.save, loaded, content or b"")

    def _serve(self, served: ServedModel) -> None:
        self._models.swap(served)
        self._metrics.model_is_live(served.version, served.sha256, served.model.trained_through)
        self._metrics.variants_are_silenced(served.model.variants, served.silenced)

    async def _silence(self, served: ServedModel, variants: frozenset[str]) -> None:
        """Let exactly these variants of a model be silent, if it is still served."""
        if (changed := self._models.silence(served, variants)) is not None:
            self._metrics.variants_are_silenced(changed.model.variants, variants)
            await asyncio.to_thread(self._champion_on_disk.note, changed)

    async def _refresh_market(self) -> None:
        told = self._bars_told
        async with transaction(self._sessions) as session:
            market_days = MarketDayRepository(session)
            fingerprint = (told, *await market_days.fingerprint())
            if fingerprint == self._bars:
                return
            history = await market_days.history()
        self._market.swap(history)
        self._bars = fingerprint
        if history is not None:
            self._metrics.bars_are_held_through(as_date(history.sessions[-1]))
        log.info(
            "market_days_loaded",
            sessions=fingerprint[1],
            through=str(history.sessions[-1]) if history else None,
        )
