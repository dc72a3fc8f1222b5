"""A copy of the keys on disk, for a start without Postgres. It holds only hashes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import structlog

from service.keys.caller import StoredKey
from service.keys.scopes import Scope
from service.process.atomic_files import replace_file

log = structlog.get_logger(__name__)


class KeysOnDisk:
    """The file `keys.json` in the data folder, readable only by its owner."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "keys.json"

    def save(self, keys: Sequence[StoredKey]) -> None:
        """Replace the stored copy. A failure is only logged, because serving does not depend on it."""
        try:
            replace_file(self._file, json.dumps([_plain(key) for key in keys]).encode())
        except OSError as error:
            log.warning("keys_not_kept_on_disk", error=str(error))

    def load(self) -> list[StoredKey] | None:
        """The stored copy; None if there is none that can be used."""
        try:
            return [_key(plain) for plain in json.loads(self._file.read_text())]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("keys_on_disk_refused", error=type(error).__name__)
            return None


def _plain(key: StoredKey) -> dict[str, object]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "bot": key.bot,
        "scopes": sorted(key.scopes),
        "secret_sha256": key.secret_sha256.hex(),
        "revoked": key.revoked,
    }


def _key(plain: dict[str, object]) -> StoredKey:
    scopes = plain["scopes"]
    if not isinstance(scopes, list) or not isinstance(plain["revoked"], bool):
        raise TypeError("not a stored key")
    return StoredKey(
        key_id=str(plain["key_id"]),
        name=str(plain["name"]),
        bot=None if plain["bot"] is None else str(plain["bot"]),
        scopes=frozenset(Scope(scope) for scope in scopes),
        secret_sha256=bytes.fromhex(str(plain["secret_sha256"])),
        revoked=plain["revoked"],
    )
