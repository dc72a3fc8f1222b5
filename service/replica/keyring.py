"""The keys in memory: who a bearer token belongs to, without asking the database."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from service.errors import KeysUnknownError, UnauthorizedError
from service.keys.caller import ANYONE, BOOTSTRAP, Caller, StoredKey

PREFIX = "ares"
NO_DIGEST = bytes(hashlib.sha256().digest_size)


def digest(token: str) -> bytes:
    """What is stored of a token. It holds 256 random bits, so that one plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


class Keyring:
    """Every stored key, replaced whole when one changes, and the bootstrap key of the settings.

    While no key was ever made, whoever reaches the service on this machine may ask; a service that can be reached
    from elsewhere is never open.
    """

    def __init__(self, bootstrap_key: str | None, *, may_be_open: bool) -> None:
        self._bootstrap_sha256 = None if bootstrap_key is None else digest(bootstrap_key)
        self._may_be_open = may_be_open and bootstrap_key is None
        self._stored: dict[str, StoredKey] | None = None

    @property
    def keys(self) -> tuple[StoredKey, ...] | None:
        """What is stored, revoked ones too; None while that is not known."""
        return None if self._stored is None else tuple(self._stored.values())

    def swap(self, keys: Iterable[StoredKey]) -> None:
        """Know these keys from the next request on."""
        self._stored = {key.key_id: key for key in keys}

    def identify(self, token: str | None) -> Caller:
        """Whom a bearer token belongs to; every comparison takes the same time.

        Raises
        ------
        UnauthorizedError
            No token, or one that is not known, or revoked.
        KeysUnknownError
            Postgres has not been asked for the keys since the start.
        """
        if token is not None and self._is_bootstrap(token):
            return BOOTSTRAP
        if self._stored is None:
            raise KeysUnknownError("the keys are not known yet: the database cannot be asked")
        if not self._stored and self._may_be_open:
            return ANYONE
        stored = self._stored.get(_key_id(token or ""))
        matches = hmac.compare_digest(digest(token or ""), stored.secret_sha256 if stored else NO_DIGEST)
        if stored is None or not matches or stored.revoked:
            raise UnauthorizedError("send a key that is known as `Authorization: Bearer …`")
        return Caller(stored.key_id, stored.name, stored.bot, stored.scopes)

    def _is_bootstrap(self, token: str) -> bool:
        return self._bootstrap_sha256 is not None and hmac.compare_digest(digest(token), self._bootstrap_sha256)


def _key_id(token: str) -> str:
    prefix, _, rest = token.partition("_")
    return rest.partition("_")[0] if prefix == PREFIX else ""
