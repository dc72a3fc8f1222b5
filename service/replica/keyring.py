"""The keys in memory: tells who a bearer token belongs to without a database query."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from service.errors import KeysUnknownError, UnauthorizedError
from service.keys.caller import ANYONE, BOOTSTRAP, Caller, StoredKey

PREFIX = "ares"
NO_DIGEST = bytes(hashlib.sha256().digest_size)


def digest(token: str) -> bytes:
    """The hash of a token, which is what we store. A token has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


class Keyring:
    """Every stored key, and the bootstrap key from the settings. The stored keys are replaced as a whole.

    Until the first key is made, anyone on this machine may use the service. A service that other machines can reach is
    never open.
    """

    def __init__(self, bootstrap_key: str | None, *, may_be_open: bool) -> None:
        self._bootstrap_sha256 = None if bootstrap_key is None else digest(bootstrap_key)
        self._may_be_open = may_be_open and bootstrap_key is None
        self._stored: dict[str, StoredKey] | None = None

    @property
    def keys(self) -> tuple[StoredKey, ...] | None:
        """The stored keys, including revoked ones; None while they are not known."""
        return None if self._stored is None else tuple(self._stored.values())

    def swap(self, keys: Iterable[StoredKey]) -> None:
        """Use these keys from the next request on."""
        self._stored = {key.key_id: key for key in keys}

    def identify(self, token: str | None) -> Caller:
        """Find the caller that a bearer token belongs to; digests are compared in constant time.

        Raises
        ------
        UnauthorizedError
            If there is no token, or it is unknown or revoked.
        KeysUnknownError
            If the keys have not been loaded since the start.
        """
        if token is not None and self._is_bootstrap(token):
            return BOOTSTRAP
        if self._stored is None:
            raise KeysUnknownError("the keys are not known yet: the database is unavailable")
        if not self._stored and self._may_be_open:
            return ANYONE
        stored = self._stored.get(_key_id(token or ""))
        matches = hmac.compare_digest(digest(token or ""), stored.secret_sha256 if stored else NO_DIGEST)
        if stored is None or not matches or stored.revoked:
            raise UnauthorizedError("send a valid key as `Authorization: Bearer …`")
        return Caller(stored.key_id, stored.name, stored.bot, stored.scopes)

    def _is_bootstrap(self, token: str) -> bool:
        return self._bootstrap_sha256 is not None and hmac.compare_digest(digest(token), self._bootstrap_sha256)


def _key_id(token: str) -> str:
    prefix, _, rest = token.partition("_")
    return rest.partition("_")[0] if prefix == PREFIX else ""
