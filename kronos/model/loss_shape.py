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
        loss = self._sides(multipliers, curve[None]).beyond(np.array([[[put]], [[call]]])).sum()
        return min(max(1 - float(loss), 0.0), 1.0)

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
        edges = np.broadcast_arrays(*(_columns(of, count) for of in (put, call, put_wing, wings)))
        if any((of < 0).any() for of in edges):
            raise ValueError("short strikes must not be in the money, and wings not be negative")
        near, width = np.stack(edges[:2]), np.stack(edges[2:])
        up_to = self._sides(multipliers, curves).integral(np.concatenate([near, near + width], axis=2))
        columns = near.shape[2]
        return np.asarray((up_to[..., columns:] - up_to[..., :columns]).sum(axis=0))

    def _sides(self, multipliers: Floats, curves: Floats) -> _Sides:
        share = np.interp(multipliers, self.multipliers, self.put_share)
        at_the_price = np.ones((len(curves), 1))
        return _Sides(
            knots=np.concatenate([[0.0], multipliers]),
            loss=np.concatenate([at_the_price, 1 - curves], axis=1),
            share=np.array([[share[0], *share], [1 - share[0], *(1 - share)]]),
            excess=np.array([self.put_excess, self.call_excess])[:, None, None],
        )


EVEN: Final = LossShape(np.array([1.0]), np.array([0.5]))
"""Where nothing is known of the sides."""


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """The probability that each side is passed, on n entries: a product of two functions linear between k + 1 knots.

    Distances and results are (2, n, j): the puts, then the calls.

    Attributes
    ----------
    knots : (k + 1,) the price at entry and the multipliers
    loss : (n, k + 1) F at the knots
    share : (2, k + 1) each side's share of F
    excess : (2, 1, 1) mean excess beyond the last knot
    """

    knots: Floats
    loss: Floats
    share: Floats
    excess: Floats

    def beyond(self, distance: Floats) -> Floats:
        """The probability of a settlement beyond each distance."""
        from_knot, _, loss, share, loss_slope, share_slope = self._pieces(distance)
        inside = (loss + loss_slope * from_knot) * (share + share_slope * from_knot)
        return np.asarray(inside * np.exp(-np.maximum(distance - self.knots[-1], 0) / self.excess))

    def integral(self, distance: Floats) -> Floats:
        """Of that probability, from the price at entry to each distance."""
        from_knot, piece, loss, share, loss_slope, share_slope = self._pieces(distance)
        linear, quadratic = loss * share_slope + share * loss_slope, loss_slope * share_slope
        inside = from_knot * (loss * share + from_knot * (linear / 2 + from_knot * quadratic / 3))
        beyond = np.maximum(distance - self.knots[-1], 0)
        at_the_end = (self.loss[:, -1] * self.share[:, -1:])[..., None]
        tail = at_the_end * self.excess * -np.expm1(-beyond / self.excess)
        return np.asarray(np.take_along_axis(self._to_knots(), piece, axis=2) + inside + tail)

    def _to_knots(self) -> Floats:
        """(2, n, k) integrals from the price at entry to all knots but the last; Simpson's rule is exact here."""
        left, right = self.loss[:, :-2], self.loss[:, 1:-1]
        share_left, share_right = self.share[:, None, :-2], self.share[:, None, 1:-1]
        sixfold = left * share_left + right * share_right + (left + right) * (share_left + share_right)
        pieces = np.diff(self.knots[:-1]) / 6 * sixfold
        return np.concatenate([np.zeros((2, len(self.loss), 1)), np.cumsum(pieces, axis=2)], axis=2)

    def _pieces(self, distance: Floats) -> tuple[Floats, npt.NDArray[np.intp], Floats, Floats, Floats, Floats]:
        """How far each distance lies beyond its knot, which one that is, F and the share there, and their slopes."""
        piece = np.clip(np.searchsorted(self.knots, distance, side="right") - 1, 0, len(self.knots) - 2)
        rows, sides = np.arange(len(self.loss))[:, None], np.arange(2)[:, None, None]
        width = self.knots[piece + 1] - self.knots[piece]
        loss, share = self.loss[rows, piece], self.share[sides, piece]
        loss_slope = (self.loss[rows, piece + 1] - loss) / width
        share_slope = (self.share[sides, piece + 1] - share) / width
        from_knot = np.minimum(distance, self.knots[-1]) - self.knots[piece]
        return from_knot, piece, loss, share, loss_slope, share_slope


def _columns(values: npt.ArrayLike, count: int) -> Floats:
    """(count, j) float64."""
    found = np.atleast_2d(np.asarray(values, dtype=np.float64))
    return np.array(np.broadcast_to(found, (count, found.shape[1])))
