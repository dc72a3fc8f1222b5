"""What one entry's condors are worth by its curve: mean payout, and the win probability that a credit needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kronos.market.history import Floats
from kronos.model.loss_shape import LossShape


@dataclass(frozen=True, slots=True, eq=False)
class FairValue:
    """Prices condors that are held to settlement; distances are in expected moves, money is in index points.

    Attributes
    ----------
    multipliers, curve : (k,) ascending, and the probability of a win at each
    shape : how losses divide between the sides, and how far they go beyond the curve's end
    expected_move_points : one expected move
    """

    multipliers: Floats
    curve: Floats
    shape: LossShape
    expected_move_points: float

    def credit_points(
        self, put: npt.ArrayLike, wing_points: npt.ArrayLike, call: npt.ArrayLike | None = None
    ) -> Floats:
        """The fair credit: what the condors pay their buyer on average, before costs.

        Parameters
        ----------
        put, call : (j,) distances of the short strikes, 0 or more; default of the call: the put's
        wing_points : (j,) or one width of the wings on both sides

        Returns
        -------
        (j,) from 0 to the width of the wings
        """
        wings = np.asarray(wing_points, dtype=np.float64) / self.expected_move_points
        calls = put if call is None else call
        paid = self.shape.mean_payout(self.multipliers, self.curve[None], put, calls, wings)
        return np.asarray(paid[0] * self.expected_move_points)


def breakeven_win_probability(
    win_probability: npt.ArrayLike, fair_credit: npt.ArrayLike, credit: npt.ArrayLike, fees: float
) -> Floats:
    """The probability of a full profit at which a condor sold at `credit` earns nothing after fees.

    1 - (credit - fees) / L, where L = fair credit / (1 - win probability) is what a loss pays on average. It is from 0
    to 1: 1 where the credit does not pay the fees, 0 where it does and losses are too rare to be priced.

    Parameters
    ----------
    win_probability : by the curve
    fair_credit, credit, fees : in the same unit
    """
    kept, fair = np.asarray(credit) - fees, np.asarray(fair_credit, dtype=np.float64)
    lost = kept * (1 - np.asarray(win_probability))
    needed = 1 - np.divide(lost, fair, out=np.where(kept > 0, 1.0, 0.0), where=fair > 0)
    return np.asarray(np.clip(needed, 0.0, 1.0))
