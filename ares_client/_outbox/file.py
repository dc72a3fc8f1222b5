"""The SQLite file under the outbox: opened soundly, replaced when it is corrupt, at rest during a fork."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ares_client._process import fork
from ares_client._process.locks import FileLock
from ares_client.errors import OutboxUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ares_client._process.timing import Timing

T = TypeVar("T")

logger = logging.getLogger(__name__)

BUSY_SECONDS = 2.0
MOST_REOPENINGS = 3
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS outcomes (
    seq INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    trade_id TEXT NOT NULL,
    body TEXT NOT NULL,
    recorded_at REAL NOT NULL,
    due_at REAL NOT NULL,
    quarantined_because TEXT
)
"""
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # On macOS a plain fsync leaves the data in the drive's cache.
    "PRAGMA fullfsync = ON",
)
SALVAGE = "INSERT OR IGNORE INTO outcomes VALUES (NULL, ?, ?, ?, ?, ?, ?)"
SALVAGEABLE = "SELECT digest, trade_id, body, recorded_at, due_at, quarantined_because FROM outcomes ORDER BY seq"
CORRUPTION_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class CorruptFileError(sqlite3.DatabaseError):
    """SQLite can open the file, but its check finds damage."""


class OutboxFile:
    """Runs actions on the file at `path`, which is created when it is missing.

    The path is looked at before and after each action: where another process has set the file aside
    meanwhile, the action is done again in the new one. Actions must therefore be repeatable.
    """

    def __init__(self, path: Path, timing: Timing) -> None:
        self.path = path
        self._opening = FileLock(path.with_name(f"{path.name}.opening"), timing)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        fork.watch(before=self._rest, in_parent=self._go_on, in_child=self._start_afresh)

    def run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """The result of the action, which commits what it changes.

        Raises
        ------
        OutboxUnavailableError
            The file cannot be used.
        """
        with self._lock:
            try:
                return self._run_in_the_current_file(action)
            except (sqlite3.Error, OSError) as error:
                self._close()
                raise OutboxUnavailableError(f"{self.path}: {error}") from error

    def exists(self) -> bool:
        """Whether there is a file yet."""
        return os.path.exists(self.path)  # noqa: PTH110 - Path.exists raises where a folder is closed to us

    def close(self) -> None:
        """Close the file; the next action opens it again."""
        with self._lock:
            self._close()

    def _rest(self) -> None:
        """Before a fork: SQLite forbids to carry an open file over, so it stays closed until it is done."""
        self._lock.acquire()
        self._close()

    def _go_on(self) -> None:
        self._lock.release()

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()

    def _run_in_the_current_file(self, action: Callable[[sqlite3.Connection], T]) -> T:
        for _ in range(MOST_REOPENINGS):
            try:
                result = action(self._connect())
            except sqlite3.DatabaseError as error:
                self._close()
                if not _is_corruption(error):
                    raise
            else:
                if self._is_current():
                    return result
        raise OSError("the file is damaged or replaced over and over")

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None or not self._is_current():
            self._close()
            self._connection = self._open()
            self._identity = self._identify()
        return self._connection

    def _is_current(self) -> bool:
        try:
            return self._identity == self._identify()
        except OSError:
            return False

    def _identify(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def _close(self) -> None:
        if self._connection:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def _open(self) -> sqlite3.Connection:
        _make_folder(self.path.parent)
        with self._opening.held(BUSY_SECONDS) as is_ours:
            if not is_ours:
                raise OSError("another process is opening the file and does not finish")
            try:
                return open_sound(self.path)
            except sqlite3.DatabaseError as error:
                if not _is_corruption(error):
                    raise
                return self._replace(error)

    def _replace(self, error: sqlite3.DatabaseError) -> sqlite3.Connection:
        aside = self.path.with_name(f"{self.path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        fresh = open_sound(self.path)
        saved = _salvage(aside, fresh)
        logger.error("the outbox was corrupt (%s): set aside as %s, %d trades saved from it", error, aside, saved)
        return fresh


def _make_folder(folder: Path) -> None:
    """Create the folder so that its name survives a power loss."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_sound(path: Path) -> sqlite3.Connection:
    """A connection to a file that has passed SQLite's check and has the schema."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = _decode
        for pragma in PRAGMAS:
            connection.execute(pragma)
        _check(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise CorruptFileError(verdict)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise sqlite3.OperationalError(f"written by a newer client (schema {version}): update ares-client")
    if version < SCHEMA_VERSION:
        connection.execute(SCHEMA)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _salvage(aside: Path, fresh: sqlite3.Connection) -> int:
    """Copy what can still be read; a damaged body is found out by its digest when it is due."""
    before = fresh.total_changes
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{aside.as_uri()}?mode=ro", uri=True)) as damaged:
        damaged.text_factory = _decode
        for row in damaged.execute(SALVAGEABLE):
            fresh.execute(SALVAGE, row)
    return fresh.total_changes - before


def _decode(raw: bytes) -> str:
    """Damaged text is to be seen, not to make its row unreadable."""
    return raw.decode(errors="replace")


def _is_corruption(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, CorruptFileError) or code in CORRUPTION_CODES
