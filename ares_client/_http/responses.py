"""Turns a response into the value that the contract promises, or into the matching error."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from ares_client.contract import CONTRACT_VERSION, Problem
from ares_client.errors import BadReplyError, NewerContractError, ServiceFailedError, ServiceRefusedError

if TYPE_CHECKING:
    from ares_client._http.transport import HttpResponse

T = TypeVar("T")

TRY_LATER_STATUSES = {408, 425, 429}
LONGEST_RETRY_AFTER_SECONDS = 3600.0
LONGEST_DETAIL = 1000


def read(response: HttpResponse, expected: TypeAdapter[T], now: float) -> T:
    """The value in the response. `now`, in seconds since 1970, is needed to read `Retry-After` dates.

    Raises
    ------
    ServiceFailedError
        The service cannot answer now.
    ServiceRefusedError
        The service rejects this request.
    BadReplyError
        The body violates the contract.
    NewerContractError
        The body uses a newer contract.
    """
    if not 200 <= response.status < 300:
        _raise_for_status(response, now)
    try:
        content = from_json(response.body)
    except ValueError as error:
        raise BadReplyError(f"the reply is not JSON: {error}") from error
    _refuse_newer_contract(content)
    try:
        return expected.validate_python(content)
    except ValidationError as error:
        raise BadReplyError(f"the reply violates the contract: {_where(error)}") from error


def _where(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _refuse_newer_contract(content: object) -> None:
    version = content.get("contract_version", CONTRACT_VERSION) if isinstance(content, dict) else CONTRACT_VERSION
    if isinstance(version, int) and version > CONTRACT_VERSION:
        raise NewerContractError(
            f"the service uses contract {version} and this client knows only {CONTRACT_VERSION}: update ares-client"
        )


def _raise_for_status(response: HttpResponse, now: float) -> None:
    detail = _detail(response)
    if response.status >= 500 or response.status in TRY_LATER_STATUSES:
        raise ServiceFailedError(response.status, detail, _retry_after_seconds(response, now))
    raise ServiceRefusedError(response.status, detail)


def _detail(response: HttpResponse) -> str:
    try:
        problem = Problem.model_validate_json(response.body)
    except ValidationError:
        return "no explanation"
    errors = [f"{error.get('where', '')}: {error.get('what', '')}" for error in problem.errors or []]
    return "; ".join([problem.detail or problem.title, *errors])[:LONGEST_DETAIL]


def _retry_after_seconds(response: HttpResponse, now: float) -> float | None:
    text = response.retry_after
    if text is None:
        return None
    try:
        seconds = float(text) if text.isdigit() else _http_date(text).timestamp() - now
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _http_date(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
