"""Collect the tests twice, under another date, time zone and hash seed, and refuse if the two lists differ.

A test id that depends on any of these differs between the workers of one run, which then runs nothing at all.
"""

from __future__ import annotations

import os
import subprocess
import sys

COLLECT = (sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
AS_HERE: dict[str, str] = {"PYTHONHASHSEED": "1"}
ELSEWHERE = {"PYTHONHASHSEED": "2", "TZ": "Pacific/Kiritimati", "ANOTHER_DAY": "2027-07-03T23:59:58+00:00"}
"""A Saturday, two seconds before midnight, fourteen hours ahead of Greenwich."""
MOST_SHOWN = 10


def collected(environment: dict[str, str], *options: str) -> list[str]:
    """The ids of the tests, in order."""
    done = subprocess.run(
        [*COLLECT, *options], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"the tests cannot be collected:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return [line for line in done.stdout.splitlines() if "::" in line]


def main() -> None:
    """Compare two collections."""
    first = collected(AS_HERE)
    second = collected(ELSEWHERE, "-p", "tests.support.another_day")
    if first != second:
        differing = sorted(set(first) ^ set(second)) or ["the same tests, in another order"]
        sys.exit("\n".join(["test ids differ between two collections:", *differing[:MOST_SHOWN]]))
    print(f"{len(first)} tests, collected twice under other dates, time zones and hash seeds: the same")


if __name__ == "__main__":
    main()
