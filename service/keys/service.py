"""Makes and revokes keys; every replica knows within moments."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from kronos.market.clock import Clock
from service.db.notifications import Topic, notify
from service.db.tables import ApiKeyRow
from service.errors import NotFoundError
from service.keys.caller import StoredKey
from service.keys.repository import KeyRepository
from service.keys.scopes import Scope
from service.replica.keyring import PREFIX, digest

KEY_ID_BYTES = 6
SECRET_BYTES = 32


class KeyService:
    """Manages the stored keys within one transaction."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        self._session = session
        self._keys = KeyRepository(session)
        self._clock = clock

    async def make(self, name: str, scopes: Iterable[Scope], bot: str | None) -> tuple[StoredKey, str]:
        """Make a key. Returns it with its token, which is not stored and cannot be shown again."""
        key_id = secrets.token_hex(KEY_ID_BYTES)
        token = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(SECRET_BYTES)}"
        key = StoredKey(key_id, name, bot, frozenset(scopes), digest(token), revoked=False)
        await self._keys.insert(key)
        await notify(self._session, Topic.KEYS)
        return key, token

    async def list(self) -> Sequence[ApiKeyRow]:
        """Every key, oldest first, revoked ones too."""
        return await self._keys.all()

    async def revoke(self, key_id: str) -> None:
        """Revoke a key.

        Raises
        ------
        NotFoundError
            If no valid key has this id.
        """
        if not await self._keys.revoke(key_id, self._clock()):
            raise NotFoundError("there is no such key, or it is already revoked: see `advisor keys list`")
        await notify(self._session, Topic.KEYS)
