"""Which reported trades may be scored, and what the advice said of the condor that was traded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ares_client.contract import LeftOut, TradeOutcome
from kronos.condor.contradiction import Contradiction
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import Distances, distances
from kronos.market.sessions import exchange_sessions
from kronos.model.loss_shape import LossShape
from service.performance.repository import LoggedAdvice, TradeRecord

Event = tuple[date, float, float]
"""A session with the two short strikes that were sold or, where these are not known, the multiplier twice."""


@dataclass(frozen=True, slots=True)
class ScoredTrade:
    """A trade that may be scored, with the probability and base rate given for the condor that was traded.

    Attributes
    ----------
    event : trades of the same event are one observation, since one settlement decides them all
    distances : of its short strikes
    """

    trade: TradeRecord
    advice: str
    event: Event
    distances: Distances
    probability: float
    base_rate: float

    @property
    def won(self) -> bool:
        """Whether it ended at maximum profit."""
        return self.trade.outcome == TradeOutcome.MAX_PROFIT


@dataclass(frozen=True, slots=True)
class SortedTrades:
    """Reported trades, grouped by how they may be used.

    Attributes
    ----------
    followed : trades that follow out-of-sample advice; they count under that advice
    scored : those of `followed` whose label the settlement does not contradict, with strikes that the advice priced
    observations : the first of `scored` of each event
    left_out : how many trades are left out of the scores, by reason
    """

    followed: Sequence[TradeRecord]
    scored: Sequence[ScoredTrade]
    observations: Sequence[ScoredTrade]
    left_out: LeftOut


def sort_trades(trades: Sequence[TradeRecord], spec: CondorSpec, shape: LossShape) -> SortedTrades:
    """Separate the trades that may be scored from the rest. Each counts under the first reason that applies."""
    followed: list[TradeRecord] = []
    scored: list[ScoredTrade] = []
    observations: dict[Event, ScoredTrade] = {}
    left_out: Counter[str] = Counter()
    for trade in trades:
        advice = trade.followed
        if advice is None:
            left_out["unmatched"] += 1
        elif (reason := hindsight(trade.session, advice.trained_through, spec)) is not None:
            left_out[reason] += 1
        else:
            followed.append(trade)
            if Contradiction.LABEL in trade.flags:
                left_out["label_contradicted"] += 1
                continue
            one = _scored(trade, advice, spec, shape)
            if one is None:
                left_out["off_the_grid"] += 1
                continue
            scored.append(one)
            left_out["repeated"] += one.event in observations
            observations.setdefault(one.event, one)
    reasons = LeftOut(**{name: left_out[name] for name in LeftOut.model_fields})
    return SortedTrades(followed, scored, list(observations.values()), reasons)


def hindsight(session: date, trained_through: date | None, spec: CondorSpec) -> str | None:
    """Why the advice may have known how the session's trade would end; None if it cannot have.

    The last trade in the training set stayed open for `dte_sessions`. A trade entered during that time saw the same
    market.
    """
    if trained_through is None:
        return "training_unknown"
    calendar = exchange_sessions().days
    last = int(np.searchsorted(calendar, np.datetime64(trained_through, "D"))) + spec.dte_sessions
    settled = calendar[min(last, len(calendar) - 1)]
    return "in_sample" if np.datetime64(session, "D") <= settled else None


def _scored(trade: TradeRecord, advice: LoggedAdvice, spec: CondorSpec, shape: LossShape) -> ScoredTrade | None:
    """Read the advice's curves at the distances traded; the session's share of put losses is the serving model's.

    None where a short strike lies beyond the curves' ends: what they say there was learned for a nearer or farther one.
    """
    event, traded = _event(trade, spec)
    curve = json.loads(advice.curve)
    points, probabilities, base_rates = (
        np.array([point[name] for point in curve], dtype=np.float64)
        for name in ("sd_multiplier", "win_probability", "base_rate")
    )
    if min(traded) < points[0] or max(traded) > points[-1]:
        return None
    probability, base_rate = (shape.win_probability(*traded, points, values) for values in (probabilities, base_rates))
    return ScoredTrade(trade, advice.advice, event, traded, probability, base_rate)


def _event(trade: TradeRecord, spec: CondorSpec) -> tuple[Event, Distances]:
    """What the settlement decides: the reported strikes, if they lie around a known price, else the multiplier."""
    put, call = trade.put_short_strike, trade.call_short_strike
    if put is not None and call is not None and trade.price is not None and trade.vix is not None:
        traded = distances(trade.price, trade.vix, put, call, spec)
        if min(traded) > 0:
            return (trade.session, put, call), traded
    multiplier = trade.sd_multiplier
    return (trade.session, multiplier, multiplier), Distances(multiplier, multiplier)
