"""Steps that are printed as they end, waits that end, and what a failed one says."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Found = TypeVar("Found")


class CheckFailedError(Exception):
    """Something was not as it must be."""


def say(line: str) -> None:
    """A line of the test's own report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def expect(condition: object, otherwise: str) -> None:
    """Fail the step, saying why, unless the condition holds."""
    if not condition:
        raise CheckFailedError(otherwise)


def wait_until(what: str, condition: Callable[[], Found | None], seconds: float = 60.0) -> Found:
    """The first truthy answer of `condition`; no answer yet (an OSError) counts as none."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if found := condition():
                return found
        except OSError:
            pass
        time.sleep(0.25)
    raise CheckFailedError(f"not so within {seconds:.0f} s: {what}")


class Report:
    """Prints each step with its time, and remembers which failed."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.passed = 0

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """A step; what it appends to the list is printed beside its name. A failed one doesn't end the test."""
        seen: list[str] = []
        began = time.monotonic()
        try:
            yield seen
        except Exception as error:
            self.failed.append(name)
            say(f"FAILED {time.monotonic() - began:6.1f} s  {name}\n         {type(error).__name__}: {error}")
        else:
            self.passed += 1
            say(f"ok     {time.monotonic() - began:6.1f} s  {name}{': ' if seen else ''}{'; '.join(seen)}")

    def verdict(self) -> int:
        """The closing line and the exit code."""
        say(f"{self.passed} passed, {len(self.failed)} failed")
        return 1 if self.failed or not self.passed else 0
