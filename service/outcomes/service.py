"""Records closed trades: each once, compared by content, and flagged if the market contradicts it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from ares_client.contract import Outcome, OutcomePage, OutcomeResult, StoredOutcome
from kronos.condor.spec import CondorSpec
from kronos.market.clock import Clock
from kronos.market.sessions import NEW_YORK, exchange_sessions
from service.errors import InvalidRequestError, OutcomeConflictError
from service.keys.caller import Caller
from service.outcomes.judging import OutcomeJudge
from service.outcomes.repository import OutcomeRepository
from service.replica.bars import BarsHolder
from service.replica.model import ModelHolder

NOT_A_SESSION = "not_a_session"
IN_THE_FUTURE = "in_the_future"
ID_BYTES = 8
LARGEST_FIRST_BYTE = 0x7F


class OutcomeService:
    """Records outcomes within one transaction."""

    def __init__(self, session: AsyncSession, market: BarsHolder, models: ModelHolder, clock: Clock) -> None:
        self._outcomes = OutcomeRepository(session)
        self._today = clock().astimezone(NEW_YORK).date()
        spec = models.served.model.spec if models.served else CondorSpec()
        self._judge = OutcomeJudge(self._outcomes, market.history, spec)

    async def record(self, outcome: Outcome, caller: Caller) -> OutcomeResult:
        """Record one trade.

        Raises
        ------
        ForbiddenError
            If the caller may not act for its bot.
        OutcomeConflictError
            If the trade is already recorded with other content.
        """
        caller.require_bot(outcome.bot)
        (result,) = await self._record([outcome])
        if result.status == "conflict":
            raise OutcomeConflictError("the trade is already recorded with other content; the first record stays")
        return result

    async def record_batch(self, items: Sequence[Any], caller: Caller) -> list[OutcomeResult]:
        """Record every valid trade; returns one result per item, in order.

        Raises
        ------
        ForbiddenError
            If the caller may not act for one of the bots; then nothing is recorded.
        """
        results: list[OutcomeResult | None] = [None] * len(items)
        valid: dict[int, Outcome] = {}
        for at, item in enumerate(items):
            try:
                valid[at] = Outcome.model_validate(item)
            except ValidationError as error:
                results[at] = OutcomeResult(status="invalid", detail=_first_problem(error))
        for bot in {outcome.bot for outcome in valid.values()}:
            caller.require_bot(bot)
        for at, result in zip(valid, await self._record(list(valid.values())), strict=True):
            results[at] = result
        return [result for result in results if result is not None]

    async def page(
        self, *, bot: str | None, start: date | None, end: date | None, cursor: str | None, limit: int
    ) -> OutcomePage:
        """Recorded outcomes within the trade dates, newest record first.

        Raises
        ------
        InvalidRequestError
            If the cursor is not one of ours.
        """
        before_id = None if cursor is None else _id_of(cursor)
        rows = await self._outcomes.page(bot=bot, start=start, end=end, before_id=before_id, limit=limit + 1)
        shown = rows[:limit]
        return OutcomePage(
            outcomes=[StoredOutcome.model_validate(row, from_attributes=True) for row in shown],
            next_cursor=_cursor(shown[-1].id) if len(rows) > limit else None,
        )

    async def _record(self, outcomes: Sequence[Outcome]) -> list[OutcomeResult]:
        if not outcomes:
            return []
        first_of: dict[tuple[str, str], Outcome] = {}
        for outcome in outcomes:
            first_of.setdefault((outcome.bot, outcome.trade_id), outcome)
        flags = {key: self._flags(outcome) for key, outcome in first_of.items()}
        # All writers use the same order, so that two batches with the same trades cannot deadlock.
        rows = {key: _row(first_of[key], flags[key]) for key in sorted(first_of)}
        inserted = await self._outcomes.insert_new(list(rows.values()))
        flags |= await self._judge.judge([key for key in inserted if self._is_settled(first_of[key])])
        known = await self._outcomes.known([key for key in first_of if key not in inserted])
        flags |= {key: one.flags for key, one in known.items()}
        stored = {key: one.content_sha256 for key, one in known.items()}
        stored |= {key: rows[key]["content_sha256"] for key in inserted}
        results = []
        for outcome in outcomes:
            key = (outcome.bot, outcome.trade_id)
            if key in inserted and first_of[key] is outcome:
                results.append(_result(outcome, "recorded", flags[key]))
            elif stored[key] == content_sha256(outcome):
                results.append(_result(outcome, "duplicate", flags[key]))
            else:
                detail = "already recorded with other content; the first record stays"
                results.append(_result(outcome, "conflict", [], detail))
        return results

    def _flags(self, outcome: Outcome) -> list[str]:
        """What is odd about a trade. It is stored nevertheless."""
        flags = []
        if outcome.trade_date not in exchange_sessions():
            flags.append(NOT_A_SESSION)
        if outcome.trade_date > self._today:
            flags.append(IN_THE_FUTURE)
        return flags

    def _is_settled(self, outcome: Outcome) -> bool:
        """Whether it can be checked yet; most trades are reported before their bar is known."""
        return outcome.settlement_price is not None or self._judge.can_judge(outcome.trade_date)


def content_sha256(outcome: Outcome) -> bytes:
    """The digest that tells whether two reports of a trade are the same.

    It covers what happened, not what the bot believed or was advised: a restarted bot may report a trade again with
    other running figures.
    """
    content = outcome.model_dump_json(exclude_none=True, exclude={"features", "advice_id"})
    return hashlib.sha256(content.encode()).digest()


def _cursor(last_id: int) -> str:
    return base64.urlsafe_b64encode(last_id.to_bytes(ID_BYTES)).decode().rstrip("=")


def _id_of(cursor: str) -> int:
    try:
        last_id = base64.b64decode(f"{cursor}=", altchars=b"-_", validate=True)
    except ValueError:
        last_id = b""
    if len(last_id) != ID_BYTES or last_id[0] > LARGEST_FIRST_BYTE:
        raise InvalidRequestError("the cursor is not one that this service issued")
    return int.from_bytes(last_id)


def _row(outcome: Outcome, flags: list[str]) -> dict[str, Any]:
    return {**outcome.model_dump(), "content_sha256": content_sha256(outcome), "flags": flags}


def _result(outcome: Outcome, status: str, flags: list[str], detail: str | None = None) -> OutcomeResult:
    return OutcomeResult.model_validate(
        {"status": status, "bot": outcome.bot, "trade_id": outcome.trade_id, "detail": detail, "flags": flags}
    )


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    where = str(first["loc"][0]) if first["loc"] and first["type"] != "extra_forbidden" else "trade"
    return f"{where}: {first['msg']}"[:300]
