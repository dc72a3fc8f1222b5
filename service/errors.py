"""What can go wrong in the service, by name.

AdvisorError                      carries its HTTP status and a title
├── NoModelError                  503  no model is loaded
├── DatabaseUnavailableError      503  Postgres cannot be asked now
├── NotFoundError                 404  no such model version or run
├── OutcomeConflictError          409  the trade is already recorded with other content
├── ArtefactRefusedError          422  an uploaded artefact is damaged, foreign or newer
├── NotASessionError              422  a day is not an exchange session
├── OutsideCalendarError          422  the moment of entry lies outside the session list
├── NothingToRetrainError         409  there is no champion to continue from
├── BodyTooLargeError             413  the request body is over the limit
└── UnauthorizedError             401  no key, or one that is not known
TrainingFailedError               a retraining could not be carried out
EmbeddedPostgresError             the embedded PostgreSQL cannot be run
ConfigurationError                the settings cannot work
"""

from __future__ import annotations

from http import HTTPStatus


class AdvisorError(Exception):
    """An expected failure: `status` and `title` make the reply, the text its detail."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "Internal error"
    retry_after_seconds: int | None = None


class NoModelError(AdvisorError):
    """No model is loaded."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "No model"
    retry_after_seconds = 30


class DatabaseUnavailableError(AdvisorError):
    """Postgres cannot be asked now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Database unavailable"
    retry_after_seconds = 5


class NotFoundError(AdvisorError):
    """No such thing."""

    status = HTTPStatus.NOT_FOUND
    title = "Not found"


class OutcomeConflictError(AdvisorError):
    """The trade is already recorded with other content; the first stays."""

    status = HTTPStatus.CONFLICT
    title = "Conflict"


class ArtefactRefusedError(AdvisorError):
    """An uploaded artefact cannot be served."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Artefact refused"


class BodyTooLargeError(AdvisorError):
    """The request body is over the limit."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "Body too large"


class UnauthorizedError(AdvisorError):
    """No key, or one that is not known."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Unauthorized"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be run."""


class ConfigurationError(Exception):
    """The settings cannot work; the text says which and what to do."""


class NotASessionError(AdvisorError):
    """A day is not an exchange session that this service knows."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Not a session"


class NothingToRetrainError(AdvisorError):
    """There is no champion to continue from."""

    status = HTTPStatus.CONFLICT
    title = "Nothing to retrain"


class OutsideCalendarError(AdvisorError):
    """The moment of entry lies outside the session list."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Outside the session list"


class TrainingFailedError(Exception):
    """A retraining could not be carried out; the text says why."""
