"""Connections to Postgres. Every wait is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from service.errors import DatabaseUnavailableError, SettingsError

if TYPE_CHECKING:
    from sqlalchemy import ExceptionContext

    from service.settings import Settings

PATIENT_SECONDS = 300.0
# Postgres ends a statement that takes too long. If it stays silent beyond that, it is gone.
SILENCE_SECONDS = 0.5
CLOSE_SECONDS = 2.0
Sessions = async_sessionmaker[AsyncSession]


def database_url(settings: Settings) -> str:
    """The configured URL, for SQLAlchemy's asyncpg dialect.

    Raises
    ------
    SettingsError
        If none is set.
    """
    if settings.database_url is None:
        raise SettingsError("no database: set ADVISOR_DATABASE_URL, or start with `advisor up`")
    url = make_url(settings.database_url.get_secret_value())
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def create_engine(settings: Settings, *, patient: bool = False) -> AsyncEngine:
    """An engine that bounds the wait for a connection and for the pool and, unless `patient`, every statement."""
    statement_seconds = PATIENT_SECONDS if patient else settings.database_statement_timeout_seconds
    engine = create_async_engine(
        database_url(settings),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_pool_wait_seconds,
        hide_parameters=True,
        connect_args={
            "timeout": settings.database_connect_timeout_seconds,
            "command_timeout": statement_seconds + SILENCE_SECONDS,
            "server_settings": {
                "application_name": "ares-ml-advisor",
                "statement_timeout": str(round(1_000 * statement_seconds)),
            },
        },
    )
    event.listen(engine.sync_engine, "handle_error", _drop_if_silent)
    return engine


def _drop_if_silent(context: ExceptionContext) -> None:
    """Close a connection that does not answer: its rollback would take just as long to time out."""
    if context.connection is not None and isinstance(context.original_exception, TimeoutError):
        driver_connection = context.connection.connection.driver_connection
        if driver_connection is not None:
            driver_connection.terminate()


async def close(engine: AsyncEngine) -> None:
    """Close all connections within one time limit, so that a silent server does not hold up each in turn."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await engine.dispose()


async def connect(settings: Settings, *, statement_seconds: float) -> asyncpg.Connection[Any]:
    """A connection outside the pool, for LISTEN and the job queue; no statement waits longer than given."""
    url = make_url(database_url(settings)).set(drivername="postgresql")
    return await asyncpg.connect(
        url.render_as_string(hide_password=False),
        timeout=settings.database_connect_timeout_seconds,
        command_timeout=statement_seconds,
    )


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One unit of work: committed if the block succeeds, rolled back otherwise.

    Raises
    ------
    DatabaseUnavailableError
        If Postgres is down or too slow, or the pool is exhausted.
    """
    try:
        async with sessions() as session, session.begin():
            yield session
    except UNAVAILABLE as error:
        if is_unavailable(error):
            raise DatabaseUnavailableError("the database is unavailable; try again") from error
        raise


UNAVAILABLE = (
    DBAPIError,
    PoolTimeoutError,
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database was down or too slow, rather than given a bad statement."""
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig is not None else None
        return (
            error.connection_invalidated
            or isinstance(error, OperationalError | InterfaceError)
            or isinstance(cause, (OSError, TimeoutError, *_AWAY))
        )
    return isinstance(error, (OSError, TimeoutError, PoolTimeoutError, *_AWAY))


_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.QueryCanceledError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


def why(error: BaseException) -> str:
    """The driver's message in one line. A time-out has none of its own."""
    said = str(getattr(error, "orig", None) or error).partition("\n")[0]
    return said or "it did not answer in time"
