"""Turns what callers pass (NumPy scalars, Decimals, timestamps) into plain Python values.

A wrong type raises TypeError and names the argument. A value of the right type always passes, even NaN: other
modules decide whether it is usable.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, SupportsFloat, SupportsIndex, runtime_checkable

Number = SupportsFloat | SupportsIndex
"""A plain number, a Decimal, or a NumPy or pandas scalar."""


@runtime_checkable
class DateLike(Protocol):
    """A date, a datetime, a pandas Timestamp, or anything else with an `isoformat` method."""

    def isoformat(self) -> str:
        """The date as ISO 8601 text."""
        ...


def number(name: str, value: object) -> float:
    """The value as a float: NaN or an infinity if no finite float can represent it."""
    if isinstance(value, bool) or not isinstance(value, SupportsFloat | SupportsIndex):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except ValueError:  # a signalling NaN
        return math.nan
    except TypeError as error:
        raise TypeError(f"{name} must be a single number: {error}") from error


def whole_number(name: str, value: object) -> int | float:
    """The value as an int if it is whole, otherwise as a float."""
    plain = number(name, value)
    return int(plain) if plain.is_integer() else plain


def money(name: str, value: object) -> Decimal:
    """The value in dollars. A Decimal stays exact; NaN and infinities are as in `number`."""
    plain = number(name, value)
    return value if isinstance(value, Decimal) and math.isfinite(plain) else Decimal(str(plain))


def day(name: str, value: object) -> date | str:
    """The calendar day of a date, a timestamp or ISO 8601 text. Text that is not a date is returned unchanged.

    A timestamp counts as the date in its own time zone.
    """
    if isinstance(value, DateLike):
        text = value.isoformat()
    elif isinstance(value, str) or type(value).__name__ == "datetime64":
        text = str(value)
    else:
        raise TypeError(f"{name} must be a date, a timestamp or ISO 8601 text, not {type(value).__name__}")
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return text
