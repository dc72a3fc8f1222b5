"""The `advisor keys` command: make, list and revoke keys."""

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

keys_app = typer.Typer(help="Manage the bearer keys.", no_args_is_help=True)

Scopes = Annotated[
    list[Scope],
    typer.Option("--scope", help="What the key may do; repeat it for more scopes. `operate` includes `read`."),
]
Bot = Annotated[str | None, typer.Option("--bot", help="The only bot it may act for. Default: any bot.")]


@keys_app.command()
def make(
    name: Annotated[str, typer.Argument(help="What or whom the key is for, so that you recognise it later.")],
    scope: Scopes,
    bot: Bot = None,
) -> None:
    """Make a key and print it. It is shown only once, because only its hash is stored."""
    for what, text in (("the name", name), ("--bot", bot)):
        if text is not None and not _is_identifier(text):
            raise SettingsError(
                f"{what} must be 1 to {MAX_IDENTIFIER_LENGTH} printable ASCII characters without spaces"
            )
    key, token = _with_keys(lambda keys: keys.make(name, scope, bot))
    typer.echo(f"made {key.key_id} for {name}; save it now, it cannot be shown again:", err=True)
    typer.echo(token)


@keys_app.command("list")
def list_keys() -> None:
    """List the keys, without their secrets."""
    rows = _with_keys(lambda keys: keys.list())
    if not rows:
        typer.echo("there are no keys yet; make one with `advisor keys make`", err=True)
    for row in rows:
        state = f"revoked {row.revoked_at:%Y-%m-%d}" if row.revoked_at else "valid"
        fields = (row.key_id, f"{row.created_at:%Y-%m-%d}", state, ",".join(row.scopes), row.bot or "any bot", row.name)
        typer.echo("  ".join(fields))


@keys_app.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The id, as shown by `advisor keys list`.")]) -> None:
    """Revoke a key. Every replica refuses it within moments."""
    _with_keys(lambda keys: keys.revoke(key_id))
    typer.echo(f"revoked {key_id}", err=True)


def _is_identifier(text: str) -> bool:
    return 0 < len(text) <= MAX_IDENTIFIER_LENGTH and all("!" <= character <= "~" for character in text)


def _with_keys(work: Callable[[KeyService], Awaitable[T]]) -> T:
    settings = load_settings()
    configure_logs(settings.log_format, "WARNING")
    return asyncio.run(in_transaction(with_running_database(settings), work))


async def in_transaction(settings: Settings, work: Callable[[KeyService], Awaitable[T]]) -> T:
    """Run `work` on the keys in the settings' database, in one transaction."""
    engine = create_engine(settings)
    sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(engine, expire_on_commit=False)
    try:
        async with transaction(sessions) as session:
            return await work(KeyService(session, system_clock))
    finally:
        await engine.dispose()
