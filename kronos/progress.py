"""Progress of a long piece of work: phases with steps, reported as one fraction that never falls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Progress = Callable[[int, int], None]
"""Called with the number of steps done and the total."""

Phases = Callable[[str], Progress]
"""Called with the name of the phase that begins; returns the callback for its steps."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where the work stands: `done` of `total` steps of a phase, and the fraction of all the work, 0 to 1."""

    phase: str
    done: int
    total: int
    fraction: float


class PhasedProgress:
    """Turn phases of known length into steps.

    Parameters
    ----------
    shares : by phase, in order: its approximate share of the total time; they add up to 1
    tell : called with every step, and with step 0 of 1 when a phase begins
    """

    def __init__(self, shares: Mapping[str, float], tell: Callable[[Step], None]) -> None:
        self._shares = shares
        self._tell = tell

    def __call__(self, phase: str) -> Progress:
        """Begin a phase; the phases before it count as done."""
        names = list(self._shares)
        before = sum(self._shares[name] for name in names[: names.index(phase)])

        def tell(done: int, total: int) -> None:
            self._tell(Step(phase, done, total, min(1.0, before + self._shares[phase] * done / total)))

        tell(0, 1)
        return tell


def silent(_phase: str) -> Progress:
    """Report to nobody."""
    return lambda _done, _total: None
