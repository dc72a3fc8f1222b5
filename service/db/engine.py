"""Connections to Postgres, with every wait bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from service.errors import ConfigurationError, DatabaseUnavailableError

if TYPE_CHECKING:
    from service.settings import Settings

Sessions = async_sessionmaker[AsyncSession]


def database_url(settings: Settings) -> str:
    """The configured URL, for SQLAlchemy's asyncpg dialect.

    Raises
    ------
    ConfigurationError
        Where none is set.
    """
    if settings.database_url is None:
        raise ConfigurationError("no database: set ADVISOR_DATABASE_URL, or start with `advisor up`")
    url = make_url(settings.database_url.get_secret_value())
    return url.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def create_engine(settings: Settings, *, bounded: bool = True) -> AsyncEngine:
    """An engine whose connecting and pool wait are bounded by the settings, and its statements if `bounded`."""
    return create_async_engine(
        database_url(settings),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.database_pool_wait_seconds,
        hide_parameters=True,
        connect_args={
            "timeout": settings.database_connect_timeout_seconds,
            "command_timeout": settings.database_statement_timeout_seconds if bounded else None,
            "server_settings": {"application_name": "ares-ml-advisor"},
        },
    )


async def connect(settings: Settings) -> asyncpg.Connection[Any]:
    """A connection outside the pool, for LISTEN and for the job queue."""
    url = make_url(database_url(settings)).set(drivername="postgresql")
    return await asyncpg.connect(
        url.render_as_string(hide_password=False), timeout=settings.database_connect_timeout_seconds
    )


@asynccontextmanager
async def transaction(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    """One unit of work: committed when the block ends well, rolled back otherwise.

    Raises
    ------
    DatabaseUnavailableError
        Where Postgres is away, too slow, or the pool is exhausted.
    """
    try:
        async with sessions() as session, session.begin():
            yield session
    except UNAVAILABLE as error:
        if is_unavailable(error):
            raise DatabaseUnavailableError("the database cannot be asked now; try again") from error
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
    """Whether the database was away or too slow, rather than wrongly asked."""
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
