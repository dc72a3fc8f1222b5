"""Where the short strikes stand: by multiples of the expected move, or by delta; the sides may differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from kronos.condor.pricing import Surface, normal_cdf
from kronos.condor.spec import Entry
from kronos.market.history import Floats
from kronos.market.sessions import SESSIONS_PER_YEAR

By = Literal["multiplier", "delta"]
LARGEST_DELTA: Final = 0.5
FARTHEST: Final = 0.5
"""Short strikes are sought within this fraction of the price."""
HALVINGS: Final = 48


@dataclass(frozen=True, slots=True)
class Shorts:
    """The distances of the short put and the short call.

    Attributes
    ----------
    put, call : SD multipliers above 0, or deltas between 0 and 0.5 in absolute value
    by : which of the two they are

    Raises
    ------
    ValueError
        If a distance is out of range.
    """

    put: float
    call: float
    by: By = "multiplier"

    def __post_init__(self) -> None:
        highest = np.inf if self.by == "multiplier" else LARGEST_DELTA
        if not all(0 < side < highest for side in (self.put, self.call)):
            limits = "above 0" if self.by == "multiplier" else f"between 0 and {LARGEST_DELTA:g}"
            raise ValueError(f"a {self.by} must be {limits}")

    @classmethod
    def even(cls, multiplier: float) -> Shorts:
        """Both sides at one multiplier."""
        return cls(multiplier, multiplier)

    @property
    def label(self) -> float | str:
        """The multiplier itself where both sides have it; else in words, such as `0.8/1.2` or `delta 0.1`."""
        if self.by == "multiplier" and self.put == self.call:
            return self.put
        sides = f"{self.put:g}" if self.put == self.call else f"{self.put:g}/{self.call:g}"
        return sides if self.by == "multiplier" else f"delta {sides}"


def half_widths(
    shorts: Sequence[Shorts],
    price: Floats,
    expected_move: Floats,
    index: Floats,
    entry: Entry,
    life: Floats,
    surface: Surface,
) -> tuple[Floats, Floats]:
    """Exact (unlisted) distances of the short puts and of the short calls from the price, in index points.

    Parameters
    ----------
    price, expected_move : (n,) SPX at entry, and one expected move in index points
    index, life : (n,) what deltas need: the surface's index, and sessions to settlement

    Returns
    -------
    (n, k) and (n, k); NaN where an input is
    """
    puts, calls = [], []
    for one in shorts:
        if one.by == "multiplier":
            puts.append(one.put * expected_move)
            calls.append(one.call * expected_move)
        else:
            puts.append(_at_delta(one.put, -1, price, index, entry, life, surface))
            calls.append(_at_delta(one.call, +1, price, index, entry, life, surface))
    return np.column_stack(puts), np.column_stack(calls)


def _at_delta(
    delta: float, side: int, price: Floats, index: Floats, entry: Entry, life: Floats, surface: Surface
) -> Floats:
    """(n,) distance at which an option out of the money has this delta, by bisection: deltas fall with the distance.

    The delta of a call is N(d1), that of a put N(d1) - 1 (Black and Scholes 1973), at the strike's own volatility.
    """
    near, far = np.zeros(len(price)), FARTHEST * price
    years = life / SESSIONS_PER_YEAR
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        strike = price + side * middle
        deviation = surface.volatility(price, strike, index, entry, life) * np.sqrt(years)
        d1 = np.log(price / strike) / deviation + deviation / 2
        too_near = normal_cdf(side * d1) > delta
        near, far = np.where(too_near, middle, near), np.where(too_near, far, middle)
    return np.where(np.isnan(price + index + life), np.nan, (near + far) / 2)
