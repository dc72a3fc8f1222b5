"""How condors end: held to one settlement price, or bought back when a short strike is touched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from kronos.condor.entry import entry_price, entry_vix
from kronos.condor.pricing import Surface, condor_value, life_in_sessions
from kronos.condor.settlement import session_ranges, settlement_price, settles_at_minute
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import Strikes
from kronos.market.history import Flags, Floats, MarketHistory, Positions

UNKNOWN_MINUTE: Final = -1


class Reason(IntEnum):
    """Why a condor ended."""

    SETTLED = 0
    TOUCH = 1
    STOP = 2
    TARGET = 3
    TIME = 4


@dataclass(frozen=True, eq=False)
class Endings:
    """How each condor ended; all arrays are (n, k).

    Attributes
    ----------
    sessions_held : sessions from entry to the end
    cost_points : paid at the end: the payout at settlement, or the modelled price of buying the condor back; NaN if a
        bar that decides is missing
    bought_back : whether it ended before settlement; closing it then costs slippage and commission
    put_breached, call_breached : whether that short strike was passed; both if one bar passed both
    reason : values of `Reason`
    minute : when, in minutes after midnight in New York; -1 where a daily bar does not say
    costs_slippage : whether slippage is still to be paid on buying back; quoted natural prices include it
    """

    sessions_held: Positions
    cost_points: Floats
    bought_back: Flags
    put_breached: Flags
    call_breached: Flags
    reason: npt.NDArray[np.int8]
    minute: npt.NDArray[np.int64]
    costs_slippage: bool = True


def endings(
    history: MarketHistory, positions: Positions, strikes: Strikes, spec: CondorSpec, surface: Surface
) -> Endings:
    """End the condors entered at `positions`, as the spec manages them.

    Parameters
    ----------
    positions : (n,) entry sessions in `history`, which also holds their settlements
    strikes : (n, k)
    """
    held = _held(history, positions, strikes, spec)
    return held if spec.management == "hold" else _touched(history, positions, strikes, spec, surface, held)


def _held(history: MarketHistory, positions: Positions, strikes: Strikes, spec: CondorSpec) -> Endings:
    settlement = settlement_price(history, spec)[positions, None]
    shape = strikes.put_short.shape
    expiry = settles_at_minute(history.sessions[positions + spec.dte_sessions])
    return Endings(
        sessions_held=np.full(shape, spec.dte_sessions, dtype=np.intp),
        cost_points=strikes.payout(settlement),
        bought_back=np.zeros(shape, dtype=bool),
        put_breached=settlement < strikes.put_short,
        call_breached=settlement > strikes.call_short,
        reason=np.full(shape, Reason.SETTLED, dtype=np.int8),
        minute=np.array(np.broadcast_to(expiry[:, None], shape)),
    )


def _touched(
    history: MarketHistory, positions: Positions, strikes: Strikes, spec: CondorSpec, surface: Surface, held: Endings
) -> Endings:
    """Buy back in the first session whose bar passes a short strike.

    A daily bar does not say when that happens. SPX is taken to be at the strike, or at the session's open if that lies
    beyond the strike. The price paid is modelled with the whole session left and VIX at the session's high, or at its
    close if the high is unknown; a short-dated index then stands as far from VIX as it did at entry. If one bar passes
    both strikes, the more expensive side is paid.
    """
    lows, highs = session_ranges(history, spec)
    low, high = np.fmin(lows, history.spx_close), np.fmax(highs, history.spx_close)
    opened = np.clip(entry_price(history, replace(spec, entry="open")), low, high)
    at_entry = (surface.index(history, spec) / entry_vix(history, spec))[positions, None]
    vix = np.fmax(history.vix_high, history.vix_close)
    ended, cost = held.sessions_held.copy(), held.cost_points.copy()
    put, call, bought_back, unknown = (np.zeros(ended.shape, dtype=bool) for _ in range(4))
    for ahead in range(spec.first_session_ahead, spec.dte_sessions + 1):
        day = (positions + ahead)[:, None]
        life = life_in_sessions(history.sessions, spec, ahead)[positions, None]
        put_now = ~bought_back & (low[day] < strikes.put_short)
        call_now = ~bought_back & (high[day] > strikes.call_short)
        touched = put_now | call_now
        cost[touched] = 0
        for side, price in (
            (put_now, np.fmin(strikes.put_short, opened[day])),
            (call_now, np.fmax(strikes.call_short, opened[day])),
        ):
            paid = _price_of(side, price, vix[day] * at_entry, strikes, life, surface)
            cost[side] = np.maximum(cost[side], paid)
        ended[touched] = ahead
        put, call, bought_back = put | put_now, call | call_now, bought_back | touched
        unknown |= np.isnan(low[day]) & ~bought_back
    return Endings(
        ended,
        np.where(unknown, np.nan, cost),
        bought_back,
        put,
        call,
        reason=np.where(bought_back, Reason.TOUCH, Reason.SETTLED).astype(np.int8),
        minute=np.where(bought_back, UNKNOWN_MINUTE, held.minute),
    )


def _price_of(chosen: Flags, price: Floats, index: Floats, strikes: Strikes, life: Floats, surface: Surface) -> Floats:
    """(sum of `chosen`,) modelled mid price of the chosen condors."""

    def picked(values: Floats) -> Floats:
        return np.broadcast_to(values, chosen.shape)[chosen]

    own = Strikes(*(picked(strike) for strike in strikes))
    return condor_value(picked(price), picked(index), own, "open", picked(life), surface)
