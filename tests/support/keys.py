"""Keys for tests."""

from __future__ import annotations

import asyncio

from service.keys.caller import StoredKey
from service.keys.cli import in_transaction
from service.keys.scopes import Scope
from service.keys.service import KeyService
from tests.support.settings import settings_of

BOOTSTRAP_KEY = "a-bootstrap-key-of-some-length"


def make_key(database_url: str, name: str, *scopes: str, bot: str | None = None) -> str:
    """As `advisor keys make` does, without the start of a process."""

    async def make(keys: KeyService) -> tuple[StoredKey, str]:
        return await keys.make(name, map(Scope, scopes), bot)

    return asyncio.run(in_transaction(settings_of(database_url), make))[1]


def revoke_key(database_url: str, key_id: str) -> None:
    """As `advisor keys revoke` does."""

    async def revoke(keys: KeyService) -> None:
        await keys.revoke(key_id)

    asyncio.run(in_transaction(settings_of(database_url), revoke))


def key_id(token: str) -> str:
    """The public part of a token."""
    return token.split("_")[1]
