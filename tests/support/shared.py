"""What takes long to make is made once for all workers of a run, and read from a file by the others."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest

T = TypeVar("T")

AGED_THROUGH = np.datetime64("2018-06-29")
"""What the aged model has seen of the sample; the rest is still to come for it."""


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[], T]) -> T:
    """What `make` gives, made by the first worker that asks in this run."""
    base = factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    path = folder / f"{name}.pickle"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = path.with_suffix(".unfinished")
            unfinished.write_bytes(pickle.dumps(make()))
            unfinished.rename(path)
    made: T = pickle.loads(path.read_bytes())
    return made
