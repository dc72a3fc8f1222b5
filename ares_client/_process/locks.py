"""A file lock between processes. The operating system releases it when its holder dies."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ares_client._process import fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ares_client._process.timing import Timing

POLL_SECONDS = 0.01


class FileLock:
    """An exclusive lock on a file. The file is created when needed and never removed."""

    def __init__(self, path: Path, timing: Timing) -> None:
        self._path = path
        self._timing = timing
        self._descriptors: set[int] = set()
        fork.watch(in_child=self._drop_inherited_copies)

    @contextmanager
    def held(self, patience_seconds: float = 0.0) -> Iterator[bool]:
        """Try to take the lock for at most `patience_seconds`, and yield whether that worked. Released after the block.

        Raises
        ------
        OSError
            The lock file cannot be opened.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        self._descriptors.add(descriptor)
        try:
            yield self._acquire(descriptor, patience_seconds)
        finally:
            self._descriptors.discard(descriptor)
            # Closing alone would not release it while a child that was just forked still has a copy of the
            # descriptor: the lock belongs to the open file that both share (flock(2)).
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _acquire(self, descriptor: int, patience_seconds: float) -> bool:
        give_up_at = self._timing.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._timing.monotonic() >= give_up_at:
                    return False
                self._timing.wait(threading.Event(), POLL_SECONDS)
            else:
                return True

    def _drop_inherited_copies(self) -> None:
        """Close the copies of a forked child, which would otherwise hold the lock after its parent's death."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
