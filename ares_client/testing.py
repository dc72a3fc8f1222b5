"""For bots' tests: the real client with an in-memory service. No network, no disk, no waiting.

with installed(InMemoryAdvisor()) as advisor:
    advisor.will_answer(advice=TradingAdvice.SKIP_TODAY, win_probability=0.55)
    bot.run_daily_cycle()  # calls get_trading_advice() and get_advisor() as always
    assert not advisor.outcomes
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from ares_client._advice.requester import AdviceRequester
from ares_client._http.transport import HttpRequest, HttpResponse
from ares_client._outbox.file import OutboxFile, open_sound
from ares_client._outbox.sender import Sender
from ares_client.advisor import Advisor
from ares_client.contract import (
    AdviceReply,
    AdviceRequest,
    Metrics,
    Outcome,
    OutcomeBatchReply,
    OutcomeResult,
    RetrainNotNeeded,
    RetrainRequest,
    RetrainRun,
    TradingAdvice,
)
from ares_client.errors import ServiceError, ServiceUnreachableError
from ares_client.settings import ClientSettings
from ares_client.shared import use_advisor

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from ares_client._http.deadline import Deadline

A = TypeVar("A", bound=Advisor)

SOME_ID = UUID(int=0)
SOME_MOMENT = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
USUAL_REPLY = AdviceReply(
    advice_id=SOME_ID,
    advice=TradingAdvice.TRADE_FULL,
    win_probability=0.85,
    base_rate=0.85,
    sd_multiplier=1.0,
    suggested_risk_pct=10.0,
    risk_fraction=1.0,
    suggested_sd_multiplier=1.0,
    curve=[],
    status="ok",
    reasons=[],
    variant="minimal",
    features={},
    base_log_odds=0.0,
    top_factors=[],
    session=SOME_MOMENT.date(),
    as_of=SOME_MOMENT,
    model_version="in-memory",
)


class InMemoryService:
    """Answers the client's requests as instructed, and remembers them."""

    def __init__(self) -> None:
        self.questions: list[AdviceRequest] = []
        self.outcomes: dict[str, Outcome] = {}
        self.reply = USUAL_REPLY
        self.metrics: Metrics | None = None
        self.error: ServiceError | None = None
        self.seconds = 0.0

    def exchange(self, request: HttpRequest, deadline: Deadline) -> HttpResponse:
        """Answer or fail at once, as instructed. Slowness is simulated without waiting."""
        if self.error:
            raise self.error
        if self.seconds > deadline.seconds:
            raise deadline.exceeded()
        body = request.body or b"{}"
        match request.method, request.path:
            case "POST", "/advice":
                self.questions.append(AdviceRequest.model_validate_json(body))
                return _response(self.reply)
            case "POST", "/outcomes":
                items = json.loads(body)["outcomes"]
                return _response(OutcomeBatchReply(results=[self._record(item) for item in items]))
            case "POST", "/retrain":
                return _response(self._retrain(RetrainRequest.model_validate_json(body)))
            case _:
                return HttpResponse(404, b"{}")

    def close(self) -> None:
        """Nothing to close."""

    def _record(self, item: dict[str, Any]) -> OutcomeResult:
        try:
            outcome = Outcome.model_validate(item)
        except ValidationError as error:
            return OutcomeResult(status="invalid", detail=error.errors(include_input=False)[0]["msg"])
        known = self.outcomes.setdefault(outcome.trade_id, outcome)
        status = "recorded" if known is outcome else "duplicate" if known == outcome else "conflict"
        return OutcomeResult.model_validate({"status": status, "bot": outcome.bot, "trade_id": outcome.trade_id})

    def _retrain(self, request: RetrainRequest) -> RetrainRun | RetrainNotNeeded:
        missing = request.min_new_samples - len(self.outcomes)
        if missing > 0 and not request.force:
            return RetrainNotNeeded(
                new_outcomes=len(self.outcomes), min_new_samples=request.min_new_samples, missing=missing
            )
        return RetrainRun(
            run_id=SOME_ID,
            state="promoted" if self.metrics else "refused",
            reason=None if self.metrics else "told to refuse",
            requested_at=SOME_MOMENT,
            new_outcomes=len(self.outcomes),
            model_version="in-memory.1",
            metrics=self.metrics,
        )


class InMemoryAdvisor(Advisor):
    """An `Advisor` that answers `TRADE_FULL` with a win probability of 85 % until told otherwise.

    The same code as in production checks arguments, prepares outcomes and reads replies.
    """

    def __init__(self, settings: ClientSettings | None = None) -> None:
        self._service = InMemoryService()
        super().__init__(settings or ClientSettings(outbox=Path()))

    @property
    def questions(self) -> list[AdviceRequest]:
        """The requests for advice, oldest first, without those that failed."""
        return self._service.questions

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The trades that the service has, by trade id."""
        return self._service.outcomes

    def will_answer(self, **changes: Any) -> None:
        """Answer at once from now on, with these fields of `AdviceReply` changed from their defaults.

        Raises
        ------
        ValueError
            There is no such field, or the value violates the contract.
        """
        unknown = changes.keys() - AdviceReply.model_fields.keys()
        if unknown:
            raise ValueError(f"AdviceReply has no field {', '.join(sorted(unknown))}")
        self._service.reply = AdviceReply.model_validate({**USUAL_REPLY.model_dump(), **changes})
        self._service.error = None
        self._service.seconds = 0.0

    def will_take(self, seconds: float) -> None:
        """Pretend that every answer takes this long. Nobody waits for it."""
        self._service.seconds = seconds

    def will_fail(self, error: ServiceError | None = None) -> None:
        """Fail every call from now on. Outcomes wait in the outbox until `will_answer` and `flush`."""
        self._service.error = error or ServiceUnreachableError("told to fail")

    def will_promote(self, metrics: Metrics | None) -> None:
        """Let a retraining with enough outcomes promote a model with these metrics; None lets it be refused."""
        self._service.metrics = metrics

    def _make_transport(self) -> InMemoryService:
        return self._service

    def _make_outbox_file(self) -> OutboxFile:
        return _MemoryFile(self.settings.outbox_file, self._timing)

    def _make_sender(self) -> Sender:
        return _InlineSender(self._outbox, self._delivery, self._make_turn(), self._timing)

    def _make_desk(self) -> AdviceRequester:
        return AdviceRequester(
            self.settings,
            self._transport,
            self._timing,
            on_answer=self._sender.service_answered,
            failures_to_open=sys.maxsize,
        )


@contextmanager
def installed(advisor: A) -> Iterator[A]:
    """Inside the block, `get_advisor` and `get_trading_advice` use this advisor."""
    former = use_advisor(advisor)
    try:
        yield advisor
    finally:
        use_advisor(former)
        advisor.close()


class _MemoryFile(OutboxFile):
    """An outbox file in memory."""

    def exists(self) -> bool:
        return True

    def _open(self) -> sqlite3.Connection:
        return open_sound(Path(":memory:"))

    def _identify(self) -> tuple[int, int]:
        return 0, 0


class _InlineSender(Sender):
    """Delivers at once, in the caller's thread."""

    def start(self) -> None:
        """No thread is needed."""

    def row_added(self) -> None:
        try:
            self._delivery.run()
        except ServiceError as error:
            self.problem = error
        else:
            self.problem = None

    def flush(self, seconds: float, *, until_failure: bool = False) -> bool:
        self.row_added()
        return not self._outbox.counts().pending


def _response(model: BaseModel) -> HttpResponse:
    return HttpResponse(200, model.model_dump_json().encode())
