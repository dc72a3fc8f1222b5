"""The outbox: closed trades on disk, from before `record_outcome` returns until the service has them.

All processes of a bot share one file. A trade is in it once, either pending or in quarantine with a reason. It is
deleted only after the service has acknowledged exactly that content.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from ares_client._outbox.file import OutboxFile
    from ares_client._outbox.outcomes import PreparedOutcome
    from ares_client._process.timing import Timing

ADD = """
INSERT INTO outcomes (digest, trade_id, body, recorded_at, due_at, quarantined_because)
VALUES (:digest, :trade_id, :body, :now, 0, :objection)
ON CONFLICT (digest) DO UPDATE SET due_at = 0, quarantined_because = excluded.quarantined_because
"""
DUE = """
SELECT digest, trade_id, body, recorded_at, quarantined_because FROM outcomes
WHERE quarantined_because IS NULL AND due_at <= ? ORDER BY seq LIMIT ?
"""
ALL = """
SELECT digest, trade_id, body, recorded_at, quarantined_because FROM outcomes ORDER BY seq
"""
COUNTS = """
SELECT count(*) FILTER (WHERE quarantined_because IS NULL),
       count(*) FILTER (WHERE quarantined_because IS NOT NULL),
       min(recorded_at) FILTER (WHERE quarantined_because IS NULL)
FROM outcomes
"""
DELETE = "DELETE FROM outcomes WHERE digest = ?"
QUARANTINE = "UPDATE outcomes SET quarantined_because = ? WHERE digest = ?"
REQUEUE = "UPDATE outcomes SET due_at = 0, quarantined_because = NULL WHERE digest = ?"
DEFER = "UPDATE outcomes SET due_at = ? WHERE digest = ?"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One trade in the outbox. `recorded_at` is in seconds since 1970."""

    digest: bytes
    trade_id: str
    body: str
    recorded_at: float
    quarantined_because: str | None

    @property
    def state(self) -> Literal["pending", "quarantined"]:
        """Whether it waits to be sent, or for somebody to fix it."""
        return "pending" if self.quarantined_because is None else "quarantined"

    @property
    def is_damaged(self) -> bool:
        """Whether the body differs from what was recorded."""
        return _digest(self.body) != self.digest


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """How many trades the outbox holds. `oldest_pending_at` is in seconds since 1970."""

    pending: int = 0
    quarantined: int = 0
    oldest_pending_at: float | None = None


class Outbox:
    """The operations on the outbox. Safe to use from several threads and processes, and across forks.

    Nothing is touched before the first use, and reading never creates the file. Every method raises
    OutboxUnavailableError if the file cannot be used.
    """

    def __init__(self, file: OutboxFile, timing: Timing) -> None:
        self.file = file
        self._timing = timing

    def add(self, prepared: PreparedOutcome) -> None:
        """Save the trade. It is on disk when this returns. Adding the same content again only ends its quarantine."""
        row = {
            "digest": _digest(prepared.body),
            "trade_id": prepared.trade_id,
            "body": prepared.body,
            "now": self._timing.now(),
            "objection": prepared.objection,
        }
        self.file.run(lambda connection: connection.execute(ADD, row))

    def due(self, limit: int) -> list[OutboxRow]:
        """The oldest trades that are due now, at most `limit`."""
        return self._select(DUE, (self._timing.now(), limit))

    def rows(self) -> list[OutboxRow]:
        """Every trade, oldest first."""
        return self._select(ALL, ())

    def counts(self) -> OutboxCounts:
        """How many trades there are."""
        if not self.file.exists():
            return OutboxCounts()
        return OutboxCounts(*self.file.run(lambda connection: connection.execute(COUNTS).fetchone()))

    def settle(self, acknowledged: Iterable[OutboxRow], rejected: Iterable[tuple[OutboxRow, str]] = ()) -> None:
        """Delete the trades that the service accepted. Quarantine those that it rejected, each with its reason."""
        taken = [(row.digest,) for row in acknowledged]
        refused = [(reason, row.digest) for row, reason in rejected]

        def write(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                connection.executemany(DELETE, taken)
                connection.executemany(QUARANTINE, refused)

        self.file.run(write)

    def defer(self, row: OutboxRow, seconds: float) -> None:
        """Postpone the trade, so that it does not hold up the rest."""
        due_at = self._timing.now() + seconds
        self.file.run(lambda connection: connection.execute(DEFER, (due_at, row.digest)))

    def requeue(self, rows: Iterable[OutboxRow]) -> None:
        """Make trades pending again, due now."""
        digests = [(row.digest,) for row in rows]

        def write(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                connection.executemany(REQUEUE, digests)

        self.file.run(write)

    def _select(self, query: str, parameters: Sequence[float]) -> list[OutboxRow]:
        if not self.file.exists():
            return []
        found = self.file.run(lambda connection: connection.execute(query, parameters).fetchall())
        return [OutboxRow(*values) for values in found]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end of the block. After an error, the file closes the connection, which rolls back."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def _digest(body: str) -> bytes:
    return hashlib.sha256(body.encode()).digest()
