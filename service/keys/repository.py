"""SQL for the keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from service.db.tables import ApiKeyRow
from service.keys.caller import StoredKey
from service.keys.scopes import Scope


class KeyRepository:
    """Keys within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def insert(self, key: StoredKey) -> None:
        """Store a new key."""
        self._session.add(
            ApiKeyRow(
                key_id=key.key_id,
                name=key.name,
                bot=key.bot,
                scopes=sorted(key.scopes),
                secret_sha256=key.secret_sha256,
            )
        )
        await self._session.flush()

    async def all(self) -> Sequence[ApiKeyRow]:
        """Every key, oldest first."""
        return (await self._session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.key_id))).all()

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """Revoke a key; False if there is none to revoke."""
        revoked = await self._session.scalar(
            update(ApiKeyRow)
            .where(ApiKeyRow.key_id == key_id)
            .values(revoked_at=now)
            .where(ApiKeyRow.revoked_at.is_(None))
            .returning(ApiKeyRow.key_id)
        )
        return revoked is not None


def stored_key(row: ApiKeyRow) -> StoredKey:
    """A row as the keyring holds it."""
    return StoredKey(
        key_id=row.key_id,
        name=row.name,
        bot=row.bot,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        secret_sha256=row.secret_sha256,
        revoked=row.revoked_at is not None,
    )
