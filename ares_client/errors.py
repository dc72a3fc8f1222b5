"""The client's exceptions, as one tree. A request for advice raises none of them: it falls back and says why.

AdvisorError
├── ConfigurationError             a setting is invalid (also a ValueError)
├── OutboxUnavailableError         the outbox cannot be read or written
├── OutcomeNotRecordedError        neither the outbox nor the service accepted the trade
└── ServiceError                   a call to the service failed
    ├── ServiceUnreachableError    no reply: DNS, refused, reset, TLS
    │   └── DeadlineExceededError  no reply in time
    ├── ServiceFailedError         408, 425, 429 or 5xx: the service cannot answer now
    ├── ServiceRefusedError        any other status: the service rejects the request
    └── BadReplyError              the reply violates the contract
        └── NewerContractError     the reply uses a newer contract than this client
"""

from __future__ import annotations

from enum import StrEnum


class FallbackReason(StrEnum):
    """Why advice is the bot's own configuration and not the service's answer."""

    INVALID_MARKET_DATA = "invalid_market_data"
    INVALID_REQUEST = "invalid_request"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    BREAKER_OPEN = "breaker_open"
    NOT_READY = "not_ready"
    SERVICE_FAILED = "service_failed"
    UNAUTHORIZED = "unauthorized"
    REFUSED = "refused"
    BAD_REPLY = "bad_reply"
    NEWER_CONTRACT = "newer_contract"
    MISCONFIGURED = "misconfigured"
    CLOSED = "closed"
    INTERNAL_ERROR = "internal_error"


class AdvisorError(Exception):
    """Base class of every exception that this client raises on purpose."""


class ConfigurationError(AdvisorError, ValueError):
    """A setting is invalid. The message names it."""


class OutboxUnavailableError(AdvisorError):
    """The outbox cannot be read or written: a full disk, a missing permission, a file in the way."""


class OutcomeNotRecordedError(AdvisorError):
    """Neither the outbox nor the service accepted the trade. The caller still holds the only copy."""

    def __init__(self, trade_id: str, outbox_problem: Exception, service_problem: str) -> None:
        super().__init__(trade_id, outbox_problem, service_problem)
        self.trade_id = trade_id
        self.outbox_problem = outbox_problem
        self.service_problem = service_problem

    def __str__(self) -> str:
        return (
            f"trade {self.trade_id} was not recorded: "
            f"outbox: {self.outbox_problem}; direct delivery: {self.service_problem}"
        )


class ServiceError(AdvisorError):
    """A call to the service failed."""

    reason: FallbackReason
    """The reason that a fallback gives for this error."""
    means_sick = True
    """Whether the error suggests an unhealthy service, and so counts towards opening the breaker."""


class ServiceUnreachableError(ServiceError):
    """No reply: name resolution, connection or TLS failed, or the connection broke."""

    reason = FallbackReason.UNREACHABLE


class DeadlineExceededError(ServiceUnreachableError):
    """No reply within the caller's deadline."""

    reason = FallbackReason.TIMEOUT


class ServiceFailedError(ServiceError):
    """The service cannot answer now (408, 425, 429 or 5xx). The same request may succeed later."""

    def __init__(self, status: int, detail: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(status, detail, retry_after_seconds)
        self.status = status
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.reason = FallbackReason.NOT_READY if status == 503 else FallbackReason.SERVICE_FAILED

    def __str__(self) -> str:
        return f"HTTP {self.status}: {self.detail}"


class ServiceRefusedError(ServiceError):
    """The service rejects this request. `status` and `detail` say why."""

    means_sick = False

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        match status:
            case 401 | 403:
                self.reason = FallbackReason.UNAUTHORIZED
            case 400 | 422:
                self.reason = FallbackReason.INVALID_REQUEST
            case _:
                self.reason = FallbackReason.REFUSED

    def __str__(self) -> str:
        return f"HTTP {self.status}: {self.detail}"


class BadReplyError(ServiceError):
    """The reply violates the contract: not JSON, too large, out of range or not finite."""

    reason = FallbackReason.BAD_REPLY


class NewerContractError(BadReplyError):
    """The service uses a newer contract. Update this client."""

    reason = FallbackReason.NEWER_CONTRACT
    means_sick = False
