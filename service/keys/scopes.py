"""What a key may do."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One permission. `operate` includes `read`: whoever may change models may read them."""

    ADVICE = "advice"
    OUTCOMES = "outcomes"
    READ = "read"
    OPERATE = "operate"


def allows(held: frozenset[Scope], wanted: Scope) -> bool:
    """Whether a key that holds these scopes may do what `wanted` allows."""
    return wanted in held or (wanted is Scope.READ and Scope.OPERATE in held)
