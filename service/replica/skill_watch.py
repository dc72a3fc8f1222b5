"""Judges the served model on what has happened since its training, beside everything else that a replica does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from kronos.market.history import MarketHistory
from kronos.model.later_skill import later_skills
from service.db.engine import Sessions, transaction
from service.db.notifications import Topic, notify
from service.errors import DatabaseUnavailableError
from service.models.repository import ModelRepository
from service.replica.model import ServedModel

log = structlog.get_logger(__name__)

Silence = Callable[[ServedModel, frozenset[str]], Awaitable[None]]


class SkillWatch:
    """Judges whenever the model or the bars have changed, one judgement at a time.

    The verdict is stored with the version, so that other replicas, and this one when it starts again, know it before
    they have judged themselves. A judgement that fails is logged once a version, and changes nothing.

    Parameters
    ----------
    silence : makes the variants of a model silent here
    """

    def __init__(self, sessions: Sessions, silence: Silence) -> None:
        self._sessions = sessions
        self._silence = silence
        self._judged: tuple[str, object] | None = None
        self._failed_for: str | None = None
        self._untold: tuple[ServedModel, frozenset[str]] | None = None
        self._work: asyncio.Task[None] | None = None

    def look(self, served: ServedModel | None, history: MarketHistory | None, bars: object) -> None:
        """Start what there is to do, and return at once.

        Parameters
        ----------
        bars : a value that changes whenever the history does
        """
        if self._work is not None and not self._work.done():
            return
        if served is not None and history is not None and self._judged != (served.version, bars):
            self._judged = served.version, bars
            self._work = asyncio.create_task(self._judge(served, history))
        elif self._untold is not None:
            self._work = asyncio.create_task(self._tell(*self._untold))

    @property
    def is_told(self) -> bool:
        """Whether the last verdict is stored, so that what is stored is the truth."""
        return self._untold is None

    async def stop(self) -> None:
        """Give up what is being done."""
        if self._work is not None:
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await self._work

    async def _judge(self, served: ServedModel, history: MarketHistory) -> None:
        try:
            skills = await asyncio.to_thread(later_skills, served.model, history)
        except Exception as error:
            if self._failed_for != served.version:
                self._failed_for = served.version
                log.error("skill_not_judged", model_version=served.version, cause=repr(error), exc_info=error)
            return
        lost = frozenset(name for name, skill in skills.items() if skill.is_lost)
        await self._tell(served, lost)
        await self._silence(served, lost)

    async def _tell(self, served: ServedModel, lost: frozenset[str]) -> None:
        """Store a verdict; if the database is away, at the next look."""
        self._untold = served, lost
        try:
            async with transaction(self._sessions) as session:
                if await ModelRepository(session).silence(served.version, lost):
                    await notify(session, Topic.CHAMPION)
        except DatabaseUnavailableError:
            return
        except Exception as error:
            log.error("skill_not_stored", model_version=served.version, cause=repr(error), exc_info=error)
        self._untold = None
