"""The strikes of a condor: the expected move, listed strikes, and their payout at settlement."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

import numpy as np

from kronos.condor.spec import CondorSpec
from kronos.market.history import Floats
from kronos.market.sessions import SESSIONS_PER_YEAR

FloatOrArray = TypeVar("FloatOrArray", float, Floats)


class Strikes(NamedTuple):
    """The four strikes of condors in index points, all of one shape."""

    put_long: Floats
    put_short: Floats
    call_short: Floats
    call_long: Floats

    @property
    def wings(self) -> tuple[Floats, Floats]:
        """The widths of the put wing and of the call wing, in index points."""
        return self.put_short - self.put_long, self.call_long - self.call_short

    def payout(self, settlement: Floats) -> Floats:
        """What both spreads pay their buyer at a settlement price, in index points: 0 to the wing width."""
        put_wing, call_wing = self.wings
        return np.clip(self.put_short - settlement, 0, put_wing) + np.clip(settlement - self.call_short, 0, call_wing)


class Distances(NamedTuple):
    """How far the short strikes lie from the price at entry, in expected moves; above 0 out of the money."""

    put: float
    call: float


def expected_move(price: FloatOrArray, vix: FloatOrArray, horizon_sessions: int) -> FloatOrArray:
    """One standard deviation of the price as implied by VIX, in index points.

    price x VIX/100 x sqrt(horizon / 252), in the arguments' shape.
    """
    return price * vix / 100 * math.sqrt(horizon_sessions / SESSIONS_PER_YEAR)


def listed_strikes(price: Floats, put_width: Floats, spec: CondorSpec, call_width: Floats | None = None) -> Strikes:
    """The strikes that can be traded, in the arguments' shape: short strikes are rounded away from the price.

    Parameters
    ----------
    put_width, call_width : distances of the short strikes in index points; default of the second: the first
    """
    step, wing = spec.strike_step_points, spec.wing_width_points
    put_short = np.floor((price - put_width) / step) * step
    call_short = np.ceil((price + (put_width if call_width is None else call_width)) / step) * step
    return Strikes(put_short - wing, put_short, call_short, call_short + wing)


def distances(price: float, vix: float, put_short: float, call_short: float, spec: CondorSpec) -> Distances:
    """The distances of short strikes: (price - put short) / EM and (call short - price) / EM.

    Parameters
    ----------
    price, vix : SPX and VIX at entry, above 0
    put_short, call_short : index points
    """
    move = expected_move(price, vix, spec.horizon_sessions)
    return Distances((price - put_short) / move, (call_short - price) / move)
