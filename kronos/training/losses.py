"""How past losses divided between the sides, and how far they went: what a curve needs to price a condor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from kronos.condor.entry import entry_price, entry_vix
from kronos.condor.labels import breaches
from kronos.condor.settlement import settlement_price
from kronos.condor.spec import MULTIPLIERS, CondorSpec
from kronos.condor.strikes import expected_move
from kronos.market.history import Floats, MarketHistory, Positions
from kronos.market.sessions import Days
from kronos.model.loss_shape import USUAL_EXCESS, LossShape
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Predictions, settled_before

Shapes = tuple[LossShape, ...]

PRIOR_LOSSES: Final = 20.0
"""Shares are drawn towards a half, and excesses towards the usual one, as if by this many losses."""


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses of a history.

    Attributes
    ----------
    sessions : (n,) ascending
    put, call : (n, multipliers) 1.0 where that side was breached, 0.0 where not, NaN where that is not known
    move : (n,) from the price at entry to settlement, in expected moves
    """

    sessions: Days
    put: Floats
    call: Floats
    move: Floats

    @classmethod
    def of_history(cls, history: MarketHistory, spec: CondorSpec) -> Losses:
        """All sessions, whether they can be traded or not."""
        price = entry_price(history, spec)
        points = expected_move(price, entry_vix(history, spec), spec.horizon_sessions)
        put, call = breaches(history, spec, points[:, None] * MULTIPLIERS)
        return cls(history.sessions, put, call, (settlement_price(history, spec) - price) / points)

    def shapes(self, tested: Predictions, folds: Sequence[Positions], rows: TrainingRows, gap_sessions: int) -> Shapes:
        """For each fold of a walk, the shape of the losses that had settled before it.

        Parameters
        ----------
        folds : for each model of the walk, the positions in `tested` of what it predicted
        rows : those that the walk was made of
        gap_sessions : the gap that it was made with
        """
        firsts = [tested.rows.sessions[own[0]] for own in folds]
        return tuple(self.shape(rows.sessions[settled_before(rows.sessions, day, gap_sessions)]) for day in firsts)

    def shape(self, sessions: Days) -> LossShape:
        """The shape of the losses on some of the sessions."""
        chosen = np.isin(self.sessions, sessions)
        put, call = np.nansum(self.put[chosen], axis=0), np.nansum(self.call[chosen], axis=0)
        share = (put + PRIOR_LOSSES / 2) / (put + call + PRIOR_LOSSES)
        move = self.move[chosen]
        return LossShape(MULTIPLIERS, share, _mean_excess(-move), _mean_excess(move))


def _mean_excess(move: Floats) -> float:
    """How far moves beyond the last multiplier went beyond it, on average."""
    excess = move[move > MULTIPLIERS[-1]] - MULTIPLIERS[-1]
    return float((excess.sum() + PRIOR_LOSSES * USUAL_EXCESS) / (len(excess) + PRIOR_LOSSES))
