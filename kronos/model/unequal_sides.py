"""The probability that a condor wins whose short strikes lie at unequal distances, as listed strikes do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kronos.market.history import Floats


@dataclass(frozen=True, slots=True, eq=False)
class PutShare:
    """The share of losses that are breaches of the put: linear between multipliers, constant beyond them.

    Attributes
    ----------
    multipliers : (k,) ascending
    share : (k,) 0 to 1
    """

    multipliers: Floats
    share: Floats

    def at(self, multiplier: float) -> float:
        """The share at one multiplier."""
        return float(np.interp(multiplier, self.multipliers, self.share))


EVEN = PutShare(np.array([1.0]), np.array([0.5]))
"""Where nothing is known of the sides."""


def win_probability(put: float, call: float, multipliers: Floats, curve: Floats, put_share: PutShare) -> float:
    """The probability that the settlement lies between short strikes at these distances.

    1 - s(put) F(put) - (1 - s(call)) F(call), where F(m) = 1 - curve(m) is the probability of a loss at equal distances
    m, and s(m) the share of such losses that are breaches of the put. So s F is the probability of a settlement below
    the put, and (1 - s) F of one above the call; a settlement cannot be both. At equal distances this is the curve.

    The share is assumed to be the same on every session, whatever the probability of a loss. Where a condor is closed
    when touched, a loss may breach both sides, and the result is an approximation.

    Parameters
    ----------
    put, call : distances of the short strikes from the price at entry, in expected moves
    multipliers, curve : (k,) ascending, and the probability of a win at each; linear in between, constant beyond
    """
    loss_at_put, loss_at_call = (1 - float(np.interp(distance, multipliers, curve)) for distance in (put, call))
    loss = put_share.at(put) * loss_at_put + (1 - put_share.at(call)) * loss_at_call
    return min(max(1 - loss, 0.0), 1.0)
