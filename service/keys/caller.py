"""Stored keys and callers."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import ForbiddenError
from service.keys.scopes import Scope

EVERY_SCOPE = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is stored: without its secret, and kept after it is revoked."""

    key_id: str
    name: str
    bot: str | None
    scopes: frozenset[Scope]
    secret_sha256: bytes
    revoked: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request.

    Attributes
    ----------
    key_id, name : of the key; None if no key is needed
    bot : the only bot this caller may act for; None means any bot
    """

    key_id: str | None
    name: str | None
    bot: str | None
    scopes: frozenset[Scope]

    def require_bot(self, bot: str) -> None:
        """Refuse to act for another bot.

        Raises
        ------
        ForbiddenError
        """
        if self.bot is not None and bot != self.bot:
            raise ForbiddenError(f"this key is for the bot {self.bot} only")

    def narrow(self, bot: str | None) -> str | None:
        """The bot to look at: the one requested or, for a key that belongs to one bot, that one.

        Raises
        ------
        ForbiddenError
        """
        if bot is not None:
            self.require_bot(bot)
        return bot or self.bot


ANYONE = Caller(None, None, None, EVERY_SCOPE)
BOOTSTRAP = Caller("bootstrap", "bootstrap", None, EVERY_SCOPE)
