"""The outbox's SQLite file: checked when it is opened, replaced if it is corrupt, closed during a fork."""

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
    # On macOS, a plain fsync leaves the data in the drive's cache: https://www.sqlite.org/pragma.html#pragma_fullfsync
    "PRAGMA fullfsync = ON",
)
SALVAGE = "INSERT OR IGNORE INTO outcomes VALUES (NULL, ?, ?, ?, ?, ?, ?)"
SALVAGEABLE = "SELECT digest, trade_id, body, recorded_at, due_at, quarantined_because FROM outcomes ORDER BY seq"
CORRUPTION_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class CorruptFileError(sqlite3.DatabaseError):
    """SQLite can open the file, but its check finds damage."""


class OutboxFile:
    """Runs actions on the file at `path`, which is created if it is missing.

    Another process may find the file corrupt and replace it at any time. The path is therefore checked before and
    after each action. If the file was replaced, the action runs again on the new one, so actions must be repeatable.
    """

    def __init__(self, path: Path, timing: Timing) -> None:
        self.path = path
        self._opening = FileLock(path.with_name(f"{path.name}.opening"), timing)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        fork.watch(before=self._rest, in_parent=self._go_on, in_child=self._start_afresh)

    def run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Run the action, which commits its own changes, and return its result.

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
        """Whether the file exists yet."""
        return os.path.exists(self.path)  # noqa: PTH110 - Path.exists raises where a folder is closed to us

    def close(self) -> None:
        """Close the file; the next action opens it again."""
        with self._lock:
            self._close()

    def _rest(self) -> None:
        """Before a fork, close the file and keep it closed: a child must not inherit an open SQLite connection."""
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
        raise OSError("the file keeps being damaged or replaced")

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
                raise OSError("another process has been opening the file for too long")
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
        logger.error("the outbox was corrupt (%s): moved to %s, %d trades recovered", error, aside, saved)
        return fresh


def _make_folder(folder: Path) -> None:
    """Create the folder, and sync its parent so that the new name survives a power loss."""
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
    """A connection to a file that passes SQLite's check and has the schema."""
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
    """Copy the rows that can still be read. A damaged body is noticed by its digest when it is due."""
    before = fresh.total_changes
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{aside.as_uri()}?mode=ro", uri=True)) as damaged:
        damaged.text_factory = _decode
        for row in damaged.execute(SALVAGEABLE):
            fresh.execute(SALVAGE, row)
    return fresh.total_changes - before


def _decode(raw: bytes) -> str:
    """Decode damaged text as far as possible, so that its row stays readable."""
    return raw.decode(errors="replace")


def _is_corruption(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, CorruptFileError) or code in CORRUPTION_CODES
