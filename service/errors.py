"""The service's errors.

ProblemError                      carries its HTTP status and a title
├── NoModelError                  503  no model is loaded
├── DatabaseUnavailableError      503  Postgres is unavailable
├── NotFoundError                 404  no such model version or run
├── OutcomeConflictError          409  the trade is already recorded with other content
├── ArtefactRefusedError          422  an uploaded artefact is damaged, foreign or too new
├── NotASessionError              422  a day is not an exchange session
├── ImplausibleBarsError          422  a bar cannot be true beside the others
├── OutsideCalendarError          422  the time of entry, or today, lies outside the session list
├── NothingToRetrainError         409  there is no champion to continue from
├── ArtefactGoneError             409  retention deleted the version's bytes
├── InvalidRequestError           422  a request that cannot be answered as it stands
├── InvalidFieldError             422  a field of the request does not fit the model in service
├── BodyTooLargeError             413  the request body is over the limit
├── UnauthorizedError             401  no key, or an unknown one
├── ForbiddenError                403  the key may not do this, or not for this bot
├── TooManyRequestsError          429  the key has used up its allowance for now
└── KeysUnknownError              503  the keys have not been loaded from Postgres yet
TrainingFailedError               a retraining could not be carried out
EmbeddedPostgresError             the embedded PostgreSQL cannot be run
SettingsError                     the settings are invalid
"""

from __future__ import annotations

from http import HTTPStatus


class ProblemError(Exception):
    """An expected failure. `status` and `title` go into the reply; the text is its detail."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "Internal error"
    retry_after_seconds: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Headers to add to the reply."""
        return {} if self.retry_after_seconds is None else {"retry-after": str(self.retry_after_seconds)}


class NoModelError(ProblemError):
    """No model is loaded."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "No model"
    retry_after_seconds = 30


class DatabaseUnavailableError(ProblemError):
    """Postgres is unavailable."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Database unavailable"
    retry_after_seconds = 5


class NotFoundError(ProblemError):
    """There is no such resource."""

    status = HTTPStatus.NOT_FOUND
    title = "Not found"


class OutcomeConflictError(ProblemError):
    """The trade is already recorded with other content; the first record stays."""

    status = HTTPStatus.CONFLICT
    title = "Conflict"


class ArtefactRefusedError(ProblemError):
    """An uploaded artefact cannot be served."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Artefact refused"


class InvalidFieldError(ProblemError):
    """A field of the request does not fit the model in service. The reply names the field, like any invalid request."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid request"

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field}: {what}")
        self.errors = [{"where": f"body.{field}", "what": what}]


class BodyTooLargeError(ProblemError):
    """The request body is over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Body too large"


class UnauthorizedError(ProblemError):
    """No key, or an unknown one."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Unauthorized"

    @property
    def headers(self) -> dict[str, str]:
        """RFC 9110 requires a 401 to say how to authenticate."""
        return {"www-authenticate": "Bearer"}


class ForbiddenError(ProblemError):
    """The key may not do this, or not for this bot."""

    status = HTTPStatus.FORBIDDEN
    title = "Forbidden"


class TooManyRequestsError(ProblemError):
    """The key has used up its allowance for now."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many requests"

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class KeysUnknownError(ProblemError):
    """The keys have not been loaded from Postgres yet."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Keys unknown"
    retry_after_seconds = 5


class ArtefactGoneError(ProblemError):
    """Retention deleted the version's bytes."""

    status = HTTPStatus.CONFLICT
    title = "Artefact gone"


class InvalidRequestError(ProblemError):
    """A request that cannot be answered as it stands."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid request"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be run."""


class SettingsError(Exception):
    """The settings are invalid; the text says which ones and what to do."""


class NotASessionError(ProblemError):
    """A day is not an exchange session that this service knows."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Not a session"


class ImplausibleBarsError(ProblemError):
    """A bar holds a value that cannot be true, or cannot stand beside the other bars."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Implausible bars"


class NothingToRetrainError(ProblemError):
    """There is no champion to continue from."""

    status = HTTPStatus.CONFLICT
    title = "Nothing to retrain"


class OutsideCalendarError(ProblemError):
    """The time of entry, or today, lies outside the session list."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Outside the session list"


class TrainingFailedError(Exception):
    """A retraining could not be carried out; the text says why."""
