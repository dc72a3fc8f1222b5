"""One pass over the outbox: send what is due, and settle each trade by the service's answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from ares_client._http import responses
from ares_client._http.deadline import Deadline, Workers
from ares_client._http.transport import HttpRequest, HttpResponse, Transport, exchange_with_second_chance
from ares_client.contract import MAX_OUTCOMES_PER_BATCH, OutcomeBatchReply, OutcomeResult
from ares_client.errors import BadReplyError, ServiceFailedError, ServiceRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ares_client._outbox.outbox import Outbox, OutboxRow
    from ares_client._outbox.outcomes import PreparedOutcome
    from ares_client._process.timing import Timing

logger = logging.getLogger(__name__)

EXCHANGE_SECONDS = 30.0
DEFER_SECONDS = 300.0
MOST_DIRECT = 2
CONTENT_IS_TO_BLAME = {400, 409, 413, 422}
TAKEN = {"recorded", "duplicate"}

_RESULT = TypeAdapter(OutcomeResult)
_BATCH_REPLY = TypeAdapter(OutcomeBatchReply)


class Delivery:
    """Sends trades in batches. A batch that is refused as a whole is halved until the culprit stands alone."""

    def __init__(self, outbox: Outbox, transport: Transport, timing: Timing) -> None:
        self._outbox = outbox
        self._transport = transport
        self._timing = timing
        self._workers = Workers("delivery", 1)
        self._direct_workers = Workers("direct-delivery", MOST_DIRECT)

    def run(self) -> None:
        """Deliver until nothing is due.

        Raises
        ------
        ServiceError
            The service cannot or will not accept more now. What is left stays in the outbox.
        OutboxUnavailableError
            The outbox cannot be used.
        """
        while rows := self._outbox.due(MAX_OUTCOMES_PER_BATCH):
            damaged = [row for row in rows if row.is_damaged]
            if damaged:
                self._settle([], [(row, "its text was damaged on disk") for row in damaged])
            else:
                self._deliver(rows)

    def deliver_directly(self, prepared: PreparedOutcome, seconds: float) -> None:
        """Send one trade straight to the service, without the outbox, within `seconds`.

        Raises
        ------
        ServiceError
            The service did not accept it.
        """
        request = HttpRequest("POST", "/outcomes", prepared.body.encode())

        def exchange(deadline: Deadline) -> HttpResponse:
            return exchange_with_second_chance(self._transport, request, deadline, self._timing)

        response = self._direct_workers.start(exchange, Deadline(seconds, self._timing)).wait()
        result = responses.read(response, _RESULT, self._timing.now())
        if result.status not in TAKEN:
            raise ServiceRefusedError(response.status, f"{result.status}: {result.detail}")
        _require_acknowledgement_of(prepared.trade_id, result)

    def _deliver(self, rows: Sequence[OutboxRow]) -> None:
        try:
            results = self._post(rows)
        except (ServiceRefusedError, ServiceFailedError) as error:
            if error.status not in CONTENT_IS_TO_BLAME | {500}:
                raise
            if len(rows) > 1:
                middle = len(rows) // 2
                self._deliver(rows[:middle])
                self._deliver(rows[middle:])
            elif isinstance(error, ServiceRefusedError):
                self._settle([], [(rows[0], str(error))])
            else:
                # Either this trade makes the service fail or the service is unhealthy: let other trades go first.
                self._outbox.defer(rows[0], DEFER_SECONDS)
                raise
        else:
            self._settle_by_result(rows, results)

    def _post(self, rows: Sequence[OutboxRow]) -> list[OutcomeResult]:
        body = f'{{"outcomes":[{",".join(row.body for row in rows)}]}}'.encode()
        deadline = Deadline(EXCHANGE_SECONDS, self._timing)
        request = HttpRequest("POST", "/outcomes", body)
        response = self._workers.start(lambda limit: self._transport.exchange(request, limit), deadline).wait()
        results = responses.read(response, _BATCH_REPLY, self._timing.now()).results
        if len(results) != len(rows):
            raise BadReplyError(f"{len(results)} results for {len(rows)} trades")
        for row, result in zip(rows, results, strict=True):
            if result.status in TAKEN:
                _require_acknowledgement_of(row.trade_id, result)
        return results

    def _settle_by_result(self, rows: Sequence[OutboxRow], results: Sequence[OutcomeResult]) -> None:
        pairs = list(zip(rows, results, strict=True))
        taken = [row for row, result in pairs if result.status in TAKEN]
        refused = [(row, f"{result.status}: {result.detail}") for row, result in pairs if result.status not in TAKEN]
        for row, result in pairs:
            if result.flags:
                logger.warning("trade %s was accepted with flags: %s", row.trade_id, ", ".join(result.flags))
        self._settle(taken, refused)

    def _settle(self, taken: Sequence[OutboxRow], refused: Sequence[tuple[OutboxRow, str]]) -> None:
        self._outbox.settle(taken, refused)
        for row, reason in refused:
            logger.error("trade %s was quarantined (see advisor-outbox): %s", row.trade_id, reason)


def _require_acknowledgement_of(trade_id: str, result: OutcomeResult) -> None:
    if result.trade_id != trade_id:
        raise BadReplyError(f"trade {trade_id} was sent, but {result.trade_id} was acknowledged")
