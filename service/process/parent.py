"""Keeps a child process from outliving `advisor up`, however that ended."""

from __future__ import annotations

import os
import signal
import threading
import time

POLL_SECONDS = 0.5


def end_with_parent(parent: int) -> None:
    """Stop gracefully, as on SIGTERM, once the process `parent` that started this one is gone.

    The parent names itself, because it may be gone before this process is far enough to ask who it was.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
