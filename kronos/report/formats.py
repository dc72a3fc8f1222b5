"""How the page writes figures: with aligned signs and stated units."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"
GAP = "\N{NO-BREAK SPACE}"
WORD_JOINER = "\N{WORD JOINER}"
NINETY_FIVE = f"95{GAP}%"
NONE = "\N{EN DASH}"


def plain(value: float, digits: int = 3) -> str:
    """A figure with a proper minus sign."""
    return f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """A figure with a plus or minus sign."""
    return f"{value:+.{digits}f}".replace("-", MINUS)


def interval(pair: tuple[float, float], digits: int = 3) -> str:
    """The two ends of a signed interval."""
    return f"{signed(pair[0], digits)} to {signed(pair[1], digits)}"


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{100 * share:.{digits}f}{GAP}%"


def dollars(amount: float | None) -> str:
    """Signed dollars and cents, or a dash for None."""
    if amount is None:
        return NONE
    return f"{MINUS if amount < 0 else '+'}{WORD_JOINER}${abs(amount):,.2f}"


def dollars_interval(pair: tuple[float, float] | None) -> str:
    """The two ends of an interval of dollars."""
    return NONE if pair is None else f"{dollars(pair[0])} to {dollars(pair[1])}"


def tick(value: float) -> str:
    """A round number without superfluous digits."""
    return f"{value:.6g}".replace("-", MINUS)


def percent_tick(share: float) -> str:
    """A round share as a percentage."""
    return f"{100 * share:.6g}{GAP}%"


def count(number: int) -> str:
    """A whole number with its thousands separated."""
    return f"{number:,}"
