"""`advisor keys`: make, list and revoke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ares_client.contract import MAX_IDENTIFIER_LENGTH
from kronos.market.clock import system_clock
from service.db.embedded import with_running_database
from service.db.engine import create_engine, transaction
from service.errors import SettingsError
from service.keys.scopes import Scope
from service.keys.service import KeyService
from service.process.logs import configure_logs
from service.settings import Settings, load_settings

T = TypeVar("T")

keys_app = typer.Typer(help="Bearer keys: who may ask for what.", no_args_is_help=True)

Scopes = Annotated[
    list[Scope], typer.Option("--scope", help="What it may do; say it again for more. `operate` includes `read`.")
]
Bot = Annotated[str | None, typer.Option("--bot", help="Let it ask and report for this bot only. Default: for any.")]


@keys_app.command()
def make(
    name: Annotated[str, typer.Argument(help="What or whom it is for, so that you know it again.")],
    scope: Scopes,
    bot: Bot = None,
) -> None:
    """Make a key and print it: this once, since only its hash is stored."""
    for what, text in (("the name", name), ("--bot", bot)):
        if text is not None and not _is_identifier(text):
            raise SettingsError(
                f"{what} must be 1 to {MAX_IDENTIFIER_LENGTH} printable ASCII characters without spaces"
            )
    key, token = _with_keys(lambda keys: keys.make(name, scope, bot))
    typer.echo(f"made {key.key_id} for {name}; keep it now, it cannot be shown again:", err=True)
    typer.echo(token)


@keys_app.command("list")
def list_keys() -> None:
    """List the keys. Their secrets are not known."""
    rows = _with_keys(lambda keys: keys.list())
    if not rows:
        typer.echo("no key was made yet; make one with `advisor keys make`", err=True)
    for row in rows:
        state = f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else "valid"
        fields = (row.key_id, f"{row.created_at:%Y-%m-%d}", state, ",".join(row.scopes), row.bot or "any bot", row.name)
        typer.echo("  ".join(fields))


@keys_app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The id, as `advisor keys list` shows it.")]) -> None:
    """Revoke a key; every replica refuses it within a moment."""
    _with_keys(lambda keys: keys.revoke(key_id))
    typer.echo(f"revoked {key_id}", err=True)


def _is_identifier(text: str) -> bool:
    return 0 < len(text) <= MAX_IDENTIFIER_LENGTH and all("!" <= character <= "~" for character in text)


def _with_keys(work: Callable[[KeyService], Awaitable[T]]) -> T:
    settings = load_settings()
    configure_logs(settings.log_format, "WARNING")
    return asyncio.run(in_transaction(with_running_database(settings), work))


async def in_transaction(settings: Settings, work: Callable[[KeyService], Awaitable[T]]) -> T:
    """Do something with the keys that the settings' database holds."""
    engine = create_engine(settings)
    sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(engine, expire_on_commit=False)
    try:
        async with transaction(sessions) as session:
            return await work(KeyService(session, system_clock))
    finally:
        await engine.dispose()
