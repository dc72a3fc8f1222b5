"""From the curve to money: which side a loss falls on, how far it goes, and so what a condor pays on average.

F(m) = 1 - curve(m) is the probability of a settlement more than m expected moves from the price at entry, on either
side. The share s(m) of it lies below the price, the rest above. Both are linear between multipliers. F rises to 1 at
the price itself; beyond the last multiplier each side falls exponentially, as moves of the index do
(`docs/decisions/0015-fair-value.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from kronos.market.history import Floats

USUAL_EXCESS: Final = 0.40
"""Settlements beyond 1.0, 1.3, 1.6 or 2.0 expected moves lie this many beyond it on average, at the open and close."""


@dataclass(frozen=True, slots=True, eq=False)
class LossShape:
    """How losses divide between the sides, and how far they go beyond the curve's end; the same on every session.

    Attributes
    ----------
    multipliers : (s,) ascending, above 0
    put_share : (s,) share of the losses at each multiplier that are breaches of the put, 0 to 1
    put_excess, call_excess : mean distance of settlements beyond the last multiplier, by side, in expected moves
    """

    multipliers: Floats
    put_share: Floats
    put_excess: float = USUAL_EXCESS
    call_excess: float = USUAL_EXCESS

    def win_probability(self, put: float, call: float, multipliers: Floats, curve: Floats) -> float:
        """The probability that the settlement lies between short strikes at these distances.

        1 - s(put) F(put) - (1 - s(call)) F(call): a settlement cannot be below the put and above the call. At equal
        distances within the grid this is the curve. Where a condor is closed when touched, a loss may breach both
        sides, and the result is an approximation.

        Parameters
        ----------
        put, call : distances of the short strikes from the price at entry, in expected moves, 0 or more
        multipliers, curve : (k,) ascending, above 0, and the probability of a win at each
        """
        puts, calls = self._sides(multipliers, curve[None])
        loss = puts.at(np.array([[put]])) + calls.at(np.array([[call]]))
        return min(max(1 - float(loss[0, 0]), 0.0), 1.0)

    def mean_payout(
        self,
        multipliers: Floats,
        curves: Floats,
        put: npt.ArrayLike,
        call: npt.ArrayLike,
        put_wing: npt.ArrayLike,
        call_wing: npt.ArrayLike | None = None,
    ) -> Floats:
        """What the buyer of a condor that is held to settlement is paid on average: the seller's fair credit.

        The integral of s F over the put wing plus that of (1 - s) F over the call wing, since a spread pays the part of
        its wing that the settlement has passed. Exact for the given F.

        Parameters
        ----------
        multipliers, curves : (k,) ascending, above 0, and (n, k) probabilities of a win at each
        put, call : (n, j), or what broadcasts to it; distances of the short strikes, in expected moves, 0 or more
        put_wing, call_wing : likewise, widths of the wings in expected moves; default of the second: the first

        Returns
        -------
        (n, j) in expected moves, from 0 to the wider wing

        Raises
        ------
        ValueError
            If a short strike is in the money, or a wing negative.
        """
        count = len(curves)
        wings = put_wing if call_wing is None else call_wing
        edges = [_columns(of, count) for of in (put, call, put_wing, wings)]
        if any((of < 0).any() for of in edges):
            raise ValueError("short strikes must not be in the money, and wings not be negative")
        put_at, call_at, put_width, call_width = edges
        puts, calls = self._sides(multipliers, curves)
        return puts.between(put_at, put_width) + calls.between(call_at, call_width)

    def _sides(self, multipliers: Floats, curves: Floats) -> tuple[_Side, _Side]:
        share = np.interp(multipliers, self.multipliers, self.put_share)
        return (
            _Side.of(multipliers, 1 - curves, share, self.put_excess),
            _Side.of(multipliers, 1 - curves, 1 - share, self.call_excess),
        )


EVEN: Final = LossShape(np.array([1.0]), np.array([0.5]))
"""Where nothing is known of the sides."""


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """The probability that one side is passed, on n entries: a product of two functions linear between k + 1 knots.

    Attributes
    ----------
    knots : (k + 1,) the price at entry and the multipliers
    loss : (n, k + 1) F at the knots
    share : (k + 1,) this side's share of F
    excess : mean excess beyond the last knot
    """

    knots: Floats
    loss: Floats
    share: Floats
    excess: float

    @classmethod
    def of(cls, multipliers: Floats, loss: Floats, share: Floats, excess: float) -> _Side:
        at_the_price = np.ones((len(loss), 1))
        return cls(
            np.concatenate([[0.0], multipliers]),
            np.concatenate([at_the_price, loss], axis=1),
            np.concatenate([share[:1], share]),
            excess,
        )

    def at(self, distance: Floats) -> Floats:
        """(n, j) the probability of a settlement beyond each distance."""
        from_knot, loss, share, loss_slope, share_slope = self._pieces(distance)
        beyond = np.maximum(distance - self.knots[-1], 0)
        inside = (loss + loss_slope * from_knot) * (share + share_slope * from_knot)
        return np.asarray(inside * np.exp(-beyond / self.excess))

    def between(self, distance: Floats, width: Floats) -> Floats:
        """(n, j) the integral from each distance over a width."""
        return self._integral(distance + width) - self._integral(distance)

    def _integral(self, distance: Floats) -> Floats:
        """(n, j) from the price at entry to each distance."""
        from_knot, loss, share, loss_slope, share_slope = self._pieces(distance)
        linear, quadratic = loss * share_slope + share * loss_slope, loss_slope * share_slope
        inside = from_knot * (loss * share + from_knot * (linear / 2 + from_knot * quadratic / 3))
        beyond = np.maximum(distance - self.knots[-1], 0)
        tail = self.loss[:, -1:] * self.share[-1] * self.excess * -np.expm1(-beyond / self.excess)
        return np.asarray(np.take_along_axis(self._to_knots(), self._piece(distance), axis=1) + inside + tail)

    def _to_knots(self) -> Floats:
        """(n, k + 1) integrals from the price at entry to the knots; Simpson's rule is exact for quadratics."""
        loss, share = ((of[..., :-1], of[..., 1:]) for of in (self.loss, self.share))
        ends = loss[0] * share[0] + loss[1] * share[1]
        middles = (loss[0] + loss[1]) * (share[0] + share[1])
        pieces = np.diff(self.knots) / 6 * (ends + middles)
        return np.concatenate([np.zeros((len(self.loss), 1)), np.cumsum(pieces, axis=1)], axis=1)

    def _piece(self, distance: Floats) -> npt.NDArray[np.intp]:
        return np.clip(np.searchsorted(self.knots, distance, side="right") - 1, 0, len(self.knots) - 2)

    def _pieces(self, distance: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """(n, j) how far each distance lies beyond its knot, F and the share there, and their slopes."""
        piece = self._piece(distance)
        width = np.diff(self.knots)
        loss_slopes, share_slopes = np.diff(self.loss, axis=1) / width, np.diff(self.share) / width
        from_knot = np.minimum(distance, self.knots[-1]) - self.knots[piece]
        loss, loss_slope = (np.take_along_axis(of, piece, axis=1) for of in (self.loss, loss_slopes))
        return from_knot, loss, self.share[piece], loss_slope, share_slopes[piece]


def _columns(values: npt.ArrayLike, count: int) -> Floats:
    """(count, j) float64."""
    found = np.atleast_2d(np.asarray(values, dtype=np.float64))
    return np.array(np.broadcast_to(found, (count, found.shape[1])))
