"""Keys for tests."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr

from service.keys.caller import StoredKey
from service.keys.cli import in_transaction
from service.keys.scopes import Scope
from service.keys.service import KeyService
from service.settings import Settings

BOOTSTRAP_KEY = "a-bootstrap-key-of-some-length"


def make_key(database_url: str, name: str, *scopes: str, bot: str | None = None) -> str:
    """As `advisor keys make` does, without the start of a process."""

    async def make(keys: KeyService) -> tuple[StoredKey, str]:
        return await keys.make(name, map(Scope, scopes), bot)

    return asyncio.run(in_transaction(Settings(database_url=SecretStr(database_url)), make))[1]
