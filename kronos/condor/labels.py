"""Labels: whether the condor of each session ended at full profit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kronos.condor.entry import entry_price, entry_vix
from kronos.condor.settlement import price_range_in_trade, settlement_price
from kronos.condor.spec import MULTIPLIERS, SD_MULTIPLIERS, CondorSpec
from kronos.condor.strikes import expected_move
from kronos.market.history import Floats, MarketHistory


def breaches(
    history: MarketHistory, spec: CondorSpec, half_widths: Floats, call_widths: Floats | None = None
) -> tuple[Floats, Floats]:
    """Which short strikes were breached, at exact (unlisted) strikes.

    Parameters
    ----------
    half_widths : (n, k) distance of the short strikes from the entry price, in index points
    call_widths : (n, k) distance of the short call, where it differs from that of the short put

    Returns
    -------
    put, call : (n, k) 1.0 where that side was breached, 0.0 where it was not, NaN where that is not known yet
    """
    price = entry_price(history, spec)[:, None]
    if spec.management == "hold":
        low = high = settlement_price(history, spec)
    else:
        low, high = price_range_in_trade(history, spec)
    call_widths = half_widths if call_widths is None else call_widths
    put, call = price - half_widths > low[:, None], price + call_widths < high[:, None]
    unknown = np.isnan(half_widths + call_widths) | np.isnan(price) | np.isnan(low)[:, None] | np.isnan(high)[:, None]
    return np.where(unknown, np.nan, put), np.where(unknown, np.nan, call)


def wins(
    history: MarketHistory,
    spec: CondorSpec,
    multipliers: npt.ArrayLike = SD_MULTIPLIERS,
    call_multipliers: npt.ArrayLike | None = None,
) -> Floats:
    """Whether the condor of each session ended at full profit, at exact multiples of the expected move.

    Parameters
    ----------
    multipliers : (k,) distances of the short strikes in expected moves
    call_multipliers : (k,) distances of the short calls, where they differ from those of the short puts

    Returns
    -------
    (n, k) 1.0 for `MAX_PROFIT`, 0.0 for a breach, NaN where entry or settlement is not known
    """
    move = expected_move(entry_price(history, spec), entry_vix(history, spec), spec.horizon_sessions)[:, None]
    calls = multipliers if call_multipliers is None else call_multipliers
    widths, call_widths = (move * np.asarray(distances, dtype=np.float64) for distances in (multipliers, calls))
    put, call = breaches(history, spec, widths, call_widths)
    return 1.0 - np.maximum(put, call)


def wins_at(price: float, vix: float, settlement: float, spec: CondorSpec) -> Floats:
    """(len(SD_MULTIPLIERS),) whether a condor entered at this price and VIX, held to this settlement, won."""
    move = expected_move(price, vix, spec.horizon_sessions)
    return (abs(settlement - price) <= MULTIPLIERS * move).astype(np.float64)


def payouts(history: MarketHistory, spec: CondorSpec, wing_points: float) -> Floats:
    """What the buyer of each session's condors was paid at settlement, in index points.

    Short strikes are at exact multiples of the expected move, as labels are, and wings `wing_points` wide.

    Returns
    -------
    (n, len(SD_MULTIPLIERS)) from 0 to `wing_points`; NaN where entry or settlement is not known
    """
    price = entry_price(history, spec)
    move = expected_move(price, entry_vix(history, spec), spec.horizon_sessions)
    beyond = np.abs(settlement_price(history, spec) - price)[:, None] - move[:, None] * MULTIPLIERS
    return np.asarray(np.clip(beyond, 0.0, wing_points))
