"""A PostgreSQL of a test's own, to be killed, frozen and brought back."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from service.db.embedded import EmbeddedPostgres
from service.db.migrate import migrate_now
from tests.support.processes import PATIENT_SECONDS, query, traversable_temporary_folder, wait_until
from tests.support.settings import settings_of


class MortalPostgres(EmbeddedPostgres):
    """An embedded server with a migrated database, and what may happen to it."""

    def kill(self) -> None:
        """`kill -9` of the server and all its processes, as a power cut would."""
        ended = self._signal(signal.SIGKILL)
        psutil.wait_procs(ended, timeout=PATIENT_SECONDS)
        wait_until(lambda: not self.is_running())

    def freeze(self) -> None:
        """Stop every process of the server: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> list[psutil.Process]:
        """Send a signal to the server and its processes; returns them."""
        server = psutil.Process(self.postmaster_pid())
        # The postmaster first: stopped, it starts no more of them.
        os.kill(server.pid, number if number != signal.SIGKILL else signal.SIGSTOP)
        processes = [*server.children(recursive=True), server]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return processes


@contextmanager
def mortal_postgres() -> Iterator[MortalPostgres]:
    """A migrated server that ends with the test, whatever became of it."""
    folder = traversable_temporary_folder("ares-mortal-")
    server = MortalPostgres(folder)
    server.start()
    try:
        # A killed server loses nothing that way: only a machine that stops would.
        query(server.url(), "ALTER SYSTEM SET fsync = off")
        query(server.url(), "SELECT pg_reload_conf()")
        migrate_now(settings_of(server.url()))
        yield server
    finally:
        if server.is_running():
            server.thaw()
            server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
