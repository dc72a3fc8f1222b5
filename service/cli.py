"""`advisor`: serve, work, migrate, or bring everything up at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Annotated

import structlog
import typer
import uvicorn
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from service.app import create_app
from service.db.migrate import migrate
from service.errors import ConfigurationError, EmbeddedPostgresError
from service.listen import listening_socket
from service.logs import configure_logs
from service.parent import end_with_parent
from service.settings import Settings

CANNOT_START = 2

app = typer.Typer(
    help="The ARES ML Advisor: settings come from ADVISOR_* variables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
log = structlog.get_logger(__name__)


EndWithParent = Annotated[bool, typer.Option("--end-with-parent", hidden=True)]


@app.command()
def serve(with_parent: EndWithParent = False) -> None:
    """Serve HTTP until SIGTERM or Ctrl-C."""
    settings = _settings()
    settings.require_safe_binding()
    listening = listening_socket(settings.host, settings.port)
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        limit_concurrency=settings.limit_concurrency,
        timeout_graceful_shutdown=settings.shutdown_grace_seconds,
        timeout_keep_alive=settings.keep_alive_seconds,
        server_header=False,
    )
    host, port = listening.getsockname()[:2]
    log.info("serving", url=f"http://{host}:{port}")
    _end_well_on_signals()
    if with_parent:
        end_with_parent()
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


@app.command()
def worker(with_parent: EndWithParent = False) -> None:
    """Train challengers from the queue until SIGTERM or Ctrl-C."""
    from service.worker import run_worker

    settings = _settings()
    if with_parent:
        end_with_parent()
    asyncio.run(run_worker(settings))


@app.command("migrate")
def migrate_command() -> None:
    """Bring the database to the newest revision."""
    asyncio.run(migrate(_settings()))
    log.info("migrated")


@app.command()
def up(
    train: Annotated[bool, typer.Option(help="Train on the bundled sample when there is no model.")] = True,
) -> None:
    """Start PostgreSQL (embedded unless ADVISOR_DATABASE_URL is set), migrate, serve, work; Ctrl-C stops it all."""
    from service.up import run_everything

    sys.exit(run_everything(_settings(), train=train))


def main() -> None:
    """Run a command; what cannot work is one line and exit code 2."""
    try:
        app()
    except (ConfigurationError, EmbeddedPostgresError) as error:
        _refuse(str(error))
    except (DBAPIError, OSError) as error:
        _refuse(f"the database cannot be used: {str(getattr(error, 'orig', None) or error).splitlines()[0]}")


def _end_well_on_signals() -> None:
    """uvicorn raises the signal again once it has shut down gracefully: that is no failure."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = [f"ADVISOR_{'__'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors()]
        raise ConfigurationError("; ".join(wrong)) from None
    configure_logs(settings.log_format, settings.log_level)
    return settings


def _refuse(why: str) -> None:
    sys.stderr.write(f"advisor: {why}{os.linesep}")
    sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
