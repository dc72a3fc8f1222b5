"""The clock, injected wherever time matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present moment, aware of its time zone."""


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
