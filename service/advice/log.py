"""The advice log: written asynchronously, in batches, from a bounded queue. It never delays or fails an answer."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import date, datetime
from typing import Any

import structlog

from ares_client.contract import AdviceReply, AdviceRequest
from service.advice.repository import AdviceRepository
from service.db.engine import Sessions, transaction
from service.errors import DatabaseUnavailableError

log = structlog.get_logger(__name__)

BATCH_ROWS = 500
RETRY_SECONDS = 1.0


class AdviceLog:
    """Holds answers until Postgres has stored them. When it is full, it drops the oldest and counts it as lost."""

    def __init__(self, sessions: Sessions, capacity: int) -> None:
        self._sessions = sessions
        self._waiting: deque[dict[str, Any]] = deque()
        self._capacity = capacity
        self._something = asyncio.Event()
        self.lost = 0

    @property
    def waiting(self) -> int:
        """How many answers are not stored yet."""
        return len(self._waiting)

    def put(self, request: AdviceRequest, reply: AdviceReply, trained_through: date, answered_at: datetime) -> None:
        """Queue an answer for writing; returns at once."""
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(_row(request, reply, trained_through, answered_at))
        self._something.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                written = await self.flush()
            except Exception as error:
                log.error("advice_log_failed", waiting=len(self._waiting), exc_info=error)
                written = False
            if not written:
                await asyncio.sleep(RETRY_SECONDS)
                self._something.set()

    async def flush(self) -> bool:
        """Write every queued answer. Returns False, and keeps them all, if Postgres is unavailable."""
        while self._waiting:
            batch = [self._waiting[at] for at in range(min(BATCH_ROWS, len(self._waiting)))]
            try:
                async with transaction(self._sessions) as session:
                    await AdviceRepository(session).insert(batch)
            except DatabaseUnavailableError as error:
                log.warning("advice_log_waits", waiting=len(self._waiting), lost=self.lost, error=str(error))
                return False
            written = {row["advice_id"] for row in batch}
            while self._waiting and self._waiting[0]["advice_id"] in written:
                self._waiting.popleft()
        return True


def _row(request: AdviceRequest, reply: AdviceReply, trained_through: date, answered_at: datetime) -> dict[str, Any]:
    return {
        "advice_id": reply.advice_id,
        "bot": request.bot,
        "as_of": reply.as_of,
        "session": reply.session,
        "price": request.price,
        "vix": request.vix,
        "sd_multiplier": reply.sd_multiplier,
        "advice": reply.advice.value,
        "win_probability": reply.win_probability,
        "base_rate": reply.base_rate,
        "model_version": reply.model_version,
        "trained_through": trained_through,
        "reply": reply.model_dump(mode="json"),
        "answered_at": answered_at,
    }
