"""The operator's calls: models, market days and retraining. Each request has a time limit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter

from ares_client._http import responses
from ares_client._http.deadline import Deadline, Workers
from ares_client._http.transport import HttpRequest, Transport
from ares_client.contract import (
    MAX_MARKET_DAYS_PER_REQUEST,
    MarketDay,
    MarketDays,
    MarketDaysReply,
    ModelInfo,
    RetrainNotNeeded,
    RetrainRequest,
    RetrainRun,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from uuid import UUID

    from ares_client._process.timing import Timing

T = TypeVar("T")

CALL_SECONDS = 30.0
UPLOAD_SECONDS = 120.0
MOST_IN_FLIGHT = 4
DEFAULT_MIN_NEW_SAMPLES: int = RetrainRequest.model_fields["min_new_samples"].default

_MODEL = TypeAdapter(ModelInfo)
_MODELS = TypeAdapter(list[ModelInfo])
_MARKET_DAYS = TypeAdapter(MarketDaysReply)
_RUN = TypeAdapter(RetrainRun)
_RETRAIN: TypeAdapter[RetrainRun | RetrainNotNeeded] = TypeAdapter(RetrainRun | RetrainNotNeeded)


class Operations:
    """Calls that need a key with the scope `operate`, or `read` for those that change nothing.

    Unlike requests for advice, they raise ServiceError if they fail.
    """

    def __init__(self, transport: Transport, timing: Timing) -> None:
        self._transport = transport
        self._timing = timing
        self._workers = Workers("operations", MOST_IN_FLIGHT)

    def models(self) -> list[ModelInfo]:
        """All model versions."""
        return self._call(HttpRequest("GET", "/models"), _MODELS)

    def model(self, version: str) -> ModelInfo:
        """One model version, with its manifest."""
        return self._call(HttpRequest("GET", f"/models/{quote(version, safe='')}"), _MODEL)

    def push_model(self, artefact: bytes | str | os.PathLike[str], *, activate: bool = False) -> ModelInfo:
        """Upload an artefact, given as bytes or as the path of its file.

        It becomes the champion if there is none yet or if `activate` is true. Otherwise it becomes a candidate.

        Raises
        ------
        ServiceError
            The artefact was not accepted. The message says why.
        OSError
            The file cannot be read.
        """
        content = artefact if isinstance(artefact, bytes) else Path(artefact).read_bytes()
        path = "/models?activate=true" if activate else "/models"
        return self._call(HttpRequest("POST", path, content, "application/octet-stream"), _MODEL, UPLOAD_SECONDS)

    def activate_model(self, version: str) -> ModelInfo:
        """Make a stored version the champion. This is also how to roll back."""
        return self._call(HttpRequest("POST", f"/models/{quote(version, safe='')}/activate"), _MODEL)

    def push_market_days(self, days: Iterable[MarketDay]) -> MarketDaysReply:
        """Insert or replace daily bars, in as many requests as needed.

        `stored` in the reply counts the bars of all requests. After an error, the same days can be pushed again.

        Raises
        ------
        ValueError
            `days` is empty.
        ServiceError
            A request failed. The message says why.
        """
        bars = list(days)
        if not bars:
            raise ValueError("there are no market days to push")
        chunks = [
            MarketDays(days=bars[start : start + MAX_MARKET_DAYS_PER_REQUEST])
            for start in range(0, len(bars), MAX_MARKET_DAYS_PER_REQUEST)
        ]
        requests = [HttpRequest("PUT", "/market-days", chunk.model_dump_json().encode()) for chunk in chunks]
        answers = [self._call(request, _MARKET_DAYS, UPLOAD_SECONDS) for request in requests]
        return answers[-1].model_copy(update={"stored": sum(answer.stored for answer in answers)})

    def retrain(
        self,
        min_new_samples: int = DEFAULT_MIN_NEW_SAMPLES,
        *,
        force: bool = False,
        timeout_seconds: float = CALL_SECONDS,
    ) -> RetrainRun | RetrainNotNeeded:
        """Request a retraining without waiting for it. If one is already active, return that run."""
        request = RetrainRequest(min_new_samples=min_new_samples, force=force)
        body = request.model_dump_json().encode()
        return self._call(HttpRequest("POST", "/retrain", body), _RETRAIN, timeout_seconds)

    def retrain_run(self, run_id: UUID, *, timeout_seconds: float = CALL_SECONDS) -> RetrainRun:
        """The state of a retraining, and how it ended."""
        return self._call(HttpRequest("GET", f"/retrain/{run_id}"), _RUN, timeout_seconds)

    def _call(self, request: HttpRequest, expected: TypeAdapter[T], seconds: float = CALL_SECONDS) -> T:
        deadline = Deadline(seconds, self._timing)
        response = self._workers.start(lambda limit: self._transport.exchange(request, limit), deadline).wait()
        return responses.read(response, expected, self._timing.now())
