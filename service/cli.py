"""The `advisor` command: serve, work, migrate, manage keys, or start everything at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Annotated

import structlog
import typer
import uvicorn
from sqlalchemy.exc import DBAPIError

from service.app import create_app
from service.db.engine import database_url, why
from service.db.migrate import migrate
from service.errors import EmbeddedPostgresError, ProblemError, SettingsError
from service.keys.binding import require_safe_binding
from service.keys.cli import keys_app
from service.process.drain import Drain, DrainingServer
from service.process.listen import http_url, listening_socket
from service.process.logs import configure_logs
from service.process.parent import end_with_parent
from service.settings import Settings, load_settings

CANNOT_START = 2

app = typer.Typer(
    help="The ARES ML Advisor. Settings come from ADVISOR_* environment variables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
log = structlog.get_logger(__name__)


app.add_typer(keys_app, name="keys")

EndWithParent = Annotated[int | None, typer.Option("--end-with-parent", metavar="PID", hidden=True)]


@app.command()
def serve(parent: EndWithParent = None) -> None:
    """Serve HTTP until SIGTERM or Ctrl-C."""
    settings = _settings()
    database_url(settings)
    asyncio.run(require_safe_binding(settings))
    listening = listening_socket(settings.host, settings.port)
    drain = Drain()
    config = uvicorn.Config(
        create_app(settings, drain=drain),
        log_config=None,
        access_log=False,
        limit_concurrency=settings.limit_concurrency,
        timeout_graceful_shutdown=settings.shutdown_grace_seconds,
        timeout_keep_alive=settings.keep_alive_seconds,
        server_header=False,
    )
    log.info("serving", url=http_url(settings.host, listening.getsockname()[1]))
    _end_well_on_signals()
    if parent is not None:
        end_with_parent(parent)
    asyncio.run(DrainingServer(config, drain, settings.drain_seconds).serve(sockets=[listening]))


@app.command()
def worker(parent: EndWithParent = None) -> None:
    """Train challengers from the job queue until SIGTERM or Ctrl-C."""
    from service.worker import run_worker

    settings = _settings()
    if parent is not None:
        end_with_parent(parent)
    asyncio.run(run_worker(settings))


@app.command("migrate")
def migrate_command() -> None:
    """Upgrade the database to the newest revision."""
    asyncio.run(migrate(_settings()))
    log.info("migrated")


@app.command()
def up(
    train: Annotated[bool, typer.Option(help="Train on the bundled sample if there is no model.")] = True,
) -> None:
    """Start everything: PostgreSQL (embedded unless ADVISOR_DATABASE_URL is set), migrations, service and worker.

    Ctrl-C stops it all.
    """
    from service.process.up import run_everything

    sys.exit(run_everything(_settings(), train=train))


def main() -> None:
    """Run a command. A failure that we expect prints one line and exits with code 2."""
    try:
        app()
    except (ProblemError, SettingsError, EmbeddedPostgresError) as error:
        _refuse(str(error))
    except (DBAPIError, OSError) as error:
        _refuse(f"the database cannot be used: {why(error)}")


def _end_well_on_signals() -> None:
    """A signal before uvicorn listens for it, or raised again after its graceful shutdown, ends us with code 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))


def _settings() -> Settings:
    settings = load_settings()
    configure_logs(settings.log_format, settings.log_level)
    return settings


def _refuse(why: str) -> None:
    sys.stderr.write(f"advisor: {why}{os.linesep}")
    sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
