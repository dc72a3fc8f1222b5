"""Stored keys, and who asks."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import ForbiddenError
from service.keys.scopes import Scope

EVERY_SCOPE = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key as it is stored: never the secret itself, and kept when revoked."""

    key_id: str
    name: str
    bot: str | None
    scopes: frozenset[Scope]
    secret_sha256: bytes
    revoked: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks.

    Attributes
    ----------
    key_id, name : of the key; None where none is needed
    bot : the only bot this caller may speak for; None: any
    """

    key_id: str | None
    name: str | None
    bot: str | None
    scopes: frozenset[Scope]

    def require_bot(self, bot: str) -> None:
        """Refuse to speak for another bot.

        Raises
        ------
        ForbiddenError
        """
        if self.bot is not None and bot != self.bot:
            raise ForbiddenError(f"this key is for the bot {self.bot} only")

    def narrow(self, bot: str | None) -> str | None:
        """The bot to look at: the one asked for or, for a key of one bot, that one.

        Raises
        ------
        ForbiddenError
        """
        if bot is not None:
            self.require_bot(bot)
        return bot or self.bot


ANYONE = Caller(None, None, None, EVERY_SCOPE)
BOOTSTRAP = Caller("bootstrap", "bootstrap", None, EVERY_SCOPE)
