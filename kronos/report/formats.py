"""Figures as the page writes them: signs that align, units that are said."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


def plain(value: float, digits: int = 3) -> str:
    """A figure with a real minus sign."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """A figure with its sign, plus or minus."""
    return f"{value:+.{digits}f}".replace("-", MINUS)


def interval(pair: tuple[float, float], digits: int = 3) -> str:
    """The two ends of a signed interval."""
    return f"{signed(pair[0], digits)} to {signed(pair[1], digits)}"


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{100 * share:.{digits}f} %"


def dollars(amount: float | None) -> str:
    """Signed dollars with cents, or a dash where there is none."""
    return NONE if amount is None else f"{amount:+,.2f} $".replace("-", MINUS)


def dollars_interval(pair: tuple[float, float] | None) -> str:
    """The two ends of an interval of dollars."""
    return NONE if pair is None else f"{dollars(pair[0])} to {dollars(pair[1])}"


def count(number: int) -> str:
    """A whole number with thousands set apart."""
    return f"{number:,}"
