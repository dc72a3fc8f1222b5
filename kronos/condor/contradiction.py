"""Judge reported trades: does the settlement contradict the outcome that the bot reports?

The service asks this about every outcome, and training about every trade that it joins to a bar. Both pass on
everything they know, so that they never disagree about a trade.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from kronos.condor.spec import CALL_BREACHED, MAX_PROFIT, PUT_BREACHED, CondorSpec
from kronos.condor.strikes import expected_move, listed_strikes

SETTLEMENT_TOLERANCE = 0.005
"""Largest difference allowed between a reported settlement and the close, as a fraction of the close."""


class Contradiction(StrEnum):
    """What the settlement contradicts."""

    LABEL = "label_contradicted"
    SIDE = "side_contradicted"
    SETTLEMENT = "settlement_contradicted"


@dataclass(frozen=True, slots=True)
class ReportedCondor:
    """A closed condor as the bot reports it; None where the bot does not say.

    Attributes
    ----------
    outcome : one of `OUTCOMES`
    sd_multiplier : distance of the short strikes, in expected moves
    price, vix : SPX and VIX at entry
    put_short_strike, call_short_strike : index points
    settlement_price : index points
    """

    outcome: str
    sd_multiplier: float
    price: float | None = None
    vix: float | None = None
    put_short_strike: float | None = None
    call_short_strike: float | None = None
    settlement_price: float | None = None


@dataclass(frozen=True, slots=True)
class SessionBar:
    """The market's figures for a session; None if unknown.

    Attributes
    ----------
    price : SPX at entry, for labels and never for features
    vix : at entry
    settlement_price : what settles its condor
    """

    price: float | None
    vix: float | None
    settlement_price: float | None

    @property
    def is_complete(self) -> bool:
        """Whether both entry and settlement are known."""
        return None not in (self.price, self.vix, self.settlement_price)


NO_BAR = SessionBar(None, None, None)


class ShortStrikes(NamedTuple):
    """The two short strikes of a condor, in index points."""

    put: float
    call: float


def contradictions(trade: ReportedCondor, bar: SessionBar, spec: CondorSpec) -> list[Contradiction]:
    """What is wrong with a report, given everything known about the trade.

    The bar's settlement outweighs the reported one. Reported strikes are taken as they are. Without them, each short
    strike lies between the exact multiple of the expected move and the next listed strike beyond it, and a report is
    contradicted only if no strike in that range fits it. A condor that is closed when touched can end either way at
    the same settlement, so its label is not judged.
    """
    found = []
    settlement, reported = bar.settlement_price, trade.settlement_price
    if settlement is not None and reported is not None and abs(reported / settlement - 1) > SETTLEMENT_TOLERANCE:
        found.append(Contradiction.SETTLEMENT)
    settlement = reported if settlement is None else settlement
    shorts = _short_strikes(trade, bar, spec)
    if spec.management != "hold" or settlement is None or shorts is None:
        return found
    nearest, farthest = shorts
    if trade.outcome == MAX_PROFIT:
        denied = not farthest.put <= settlement <= farthest.call
    else:
        denied = nearest.put <= settlement <= nearest.call
    if denied:
        found.append(Contradiction.LABEL)
    elif trade.outcome not in (MAX_PROFIT, PUT_BREACHED if settlement < nearest.put else CALL_BREACHED):
        found.append(Contradiction.SIDE)
    return found


def _short_strikes(
    trade: ReportedCondor, bar: SessionBar, spec: CondorSpec
) -> tuple[ShortStrikes, ShortStrikes] | None:
    """The nearest and the farthest short strikes that may have been traded; None if they cannot be known."""
    put, call = trade.put_short_strike, trade.call_short_strike
    if put is not None and call is not None:
        return ShortStrikes(put, call), ShortStrikes(put, call)
    price, vix = _positive(trade.price) or bar.price, _positive(trade.vix) or bar.vix
    if price is None or vix is None:
        return None
    half_width = trade.sd_multiplier * expected_move(price, vix, spec.horizon_sessions)
    listed = listed_strikes(np.array(price), np.array(half_width), spec)
    nearest = ShortStrikes(put or price - half_width, call or price + half_width)
    return nearest, ShortStrikes(put or float(listed.put_short), call or float(listed.call_short))


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None
