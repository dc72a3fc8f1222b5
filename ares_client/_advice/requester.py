"""Asks for advice and always returns an answer: the service's within the deadline, or a fallback."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from ares_client._advice.advice import Advice
from ares_client._advice.breaker import FAILURES_TO_OPEN, Breaker
from ares_client._advice.request import (
    Question,
    RiskLimit,
    UnusableRequestError,
    build_question,
    limit_of,
    refused_fields,
)
from ares_client._http import responses
from ares_client._http.deadline import Call, Deadline, Workers
from ares_client._http.transport import HttpRequest, HttpResponse, Transport, exchange_with_second_chance
from ares_client.contract import NEWER_FIELDS, AdviceReply
from ares_client.errors import FallbackReason, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ares_client._process.timing import Timing
    from ares_client.settings import ClientSettings

logger = logging.getLogger(__name__)

MOST_IN_FLIGHT = 2
OLDER_SECONDS = 600.0
"""How long a service that refused what is new is not asked with it."""


_REPLY: TypeAdapter[AdviceReply] = TypeAdapter(AdviceReply)


class AdviceRequester:
    """Asks for advice. At most two requests run at a time, and none takes longer than the deadline."""

    def __init__(
        self,
        settings: ClientSettings,
        transport: Transport,
        timing: Timing,
        *,
        on_answer: Callable[[], None],
        failures_to_open: int = FAILURES_TO_OPEN,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._timing = timing
        self._on_answer = on_answer
        self._workers = Workers("advice", MOST_IN_FLIGHT)
        self._breaker = Breaker(self._is_service_well, timing, failures_to_open)
        self._is_closed = False
        self._older_until = -math.inf

    def ask(self, arguments: Mapping[str, object]) -> Advice:
        """Advice for the arguments of `AdviceRequest`.

        Raises
        ------
        TypeError
            An argument has the wrong type. The message names it.
        """
        limit = self._limit(arguments)
        begun = self._begin(arguments, limit)
        if isinstance(begun, Advice):
            return begun
        try:
            return self._answered(begun.wait())
        except Exception as error:  # the trading window is no place to raise anything
            return self._unanswered(error, limit)

    async def ask_async(self, arguments: Mapping[str, object]) -> Advice:
        """Like `ask`, but without blocking the event loop."""
        limit = self._limit(arguments)
        begun = self._begin(arguments, limit)
        if isinstance(begun, Advice):
            return begun
        try:
            return self._answered(await begun.wait_async())
        except Exception as error:  # the trading window is no place to raise anything
            return self._unanswered(error, limit)

    def fall_back(self, reason: FallbackReason, limit: RiskLimit, detail: object = "") -> Advice:
        """The bot's own configuration, within the trade's own limit. The reason is logged."""
        logger.warning("falling back to the bot's own configuration: %s %s", reason, detail)
        return Advice.fallback(self._settings, reason, limit.pct, limit.notes)

    def _limit(self, arguments: Mapping[str, object]) -> RiskLimit:
        return limit_of(self._settings.risk_per_trade_pct, arguments.get("risk_per_trade_pct"))

    def close(self) -> None:
        """Stop asking. From now on, all advice is a fallback."""
        self._is_closed = True
        self._breaker.stop()

    def _begin(self, arguments: Mapping[str, object], limit: RiskLimit) -> Advice | Call[Advice]:
        deadline = Deadline(self._settings.deadline_seconds, self._timing)
        try:
            question = build_question(self._settings.bot, self._settings.sd_multiplier, limit, arguments)
        except UnusableRequestError as error:
            return self.fall_back(error.reason, limit, error)
        if self._is_closed:
            return self.fall_back(FallbackReason.CLOSED, limit)
        if self._breaker.is_open:
            return self.fall_back(FallbackReason.BREAKER_OPEN, limit)
        return self._workers.start(lambda until: self._fetch(question, until), deadline)

    def _fetch(self, question: Question, deadline: Deadline) -> Advice:
        if self._timing.monotonic() < self._older_until:
            question = question.without(NEWER_FIELDS)
        response = self._exchange(question, deadline)
        refused = refused_fields(question, response)
        if refused == NEWER_FIELDS:  # a service of the first revision: not to be asked twice each time
            self._older_until = self._timing.monotonic() + OLDER_SECONDS
        if refused:
            logger.warning("asking again without what the service refused: %s", ", ".join(sorted(refused)))
            question = question.without(refused)
            response = self._exchange(question, deadline)
        reply = responses.read(response, _REPLY, self._timing.now())
        return Advice.from_reply(reply, question.largest_risk_pct, question.notes)

    def _exchange(self, question: Question, deadline: Deadline) -> HttpResponse:
        body = question.request.model_dump_json(exclude_none=True).encode()
        return exchange_with_second_chance(
            self._transport, HttpRequest("POST", "/advice", body), deadline, self._timing
        )

    def _answered(self, advice: Advice) -> Advice:
        self._breaker.succeeded()
        self._on_answer()
        return advice

    def _unanswered(self, error: Exception, limit: RiskLimit) -> Advice:
        if not isinstance(error, ServiceError):
            logger.error("unexpected error while asking for advice", exc_info=error)
            return self.fall_back(FallbackReason.INTERNAL_ERROR, limit, error)
        if error.means_sick:
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        return self.fall_back(error.reason, limit, error)

    def _is_service_well(self) -> bool:
        """Whether the service reports that it is ready. Called in the breaker's thread."""
        deadline = Deadline(self._settings.deadline_seconds, self._timing)
        request = HttpRequest("GET", "/readyz")
        try:
            reply = self._workers.start(lambda limit: self._transport.exchange(request, limit), deadline).wait()
        except ServiceError:
            return False
        except Exception as error:  # raised, it would end the probing and leave the breaker open for ever
            logger.error("unexpected error while probing the service", exc_info=error)
            return False
        is_well = reply.status < 500
        if is_well:
            self._on_answer()
        return is_well
