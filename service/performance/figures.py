"""Turns joined rows into figures: which trades may be scored, their scores, skipped sessions, and feature drift."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np

from ares_client.contract import (
    AdvicePerformance,
    AdvisedSessions,
    FeatureDrift,
    LeftOut,
    LiveCalibration,
    ReportedMoney,
    SkippedSessions,
    TradeOutcome,
    TradingAdvice,
)
from kronos.backtest.skipped_sessions import model_condors
from kronos.condor.contradiction import Contradiction
from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.market.sessions import NEW_YORK, exchange_sessions
from kronos.model.model import Model
from kronos.statistics.live_calibration import LivePredictions, live_scores
from service.performance.repository import LoggedAdvice, SessionAdvice, TradeRecord

SKIPPED_NOTE = (
    "Modelled, not traded: one condor of one contract per session at the requested multiplier, with listed strikes, "
    "credit from a pricing model, and costs. Never add it to reported money."
)


@dataclass(frozen=True, slots=True)
class ScoredTrade:
    """A trade that may be scored, with the probability and base rate given for the multiplier it was traded at."""

    trade: TradeRecord
    advice: str
    sd_multiplier: float
    probability: float
    base_rate: float

    @property
    def key(self) -> tuple[date, float]:
        """Trades with the same key are one observation: one settlement decides them all."""
        return self.trade.session, self.sd_multiplier

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
    scored : those of `followed` whose label the settlement does not contradict
    observations : the first of `scored` for each session and multiplier
    left_out : how many trades are left out of the scores, by reason
    """

    followed: Sequence[TradeRecord]
    scored: Sequence[ScoredTrade]
    observations: Sequence[ScoredTrade]
    left_out: LeftOut


def sort_trades(trades: Sequence[TradeRecord], spec: CondorSpec) -> SortedTrades:
    """Separate the trades that may be scored from the rest. Each counts under the first reason that applies."""
    followed: list[TradeRecord] = []
    scored: list[ScoredTrade] = []
    observations: dict[tuple[date, float], ScoredTrade] = {}
    left_out: Counter[str] = Counter()
    for trade in trades:
        advice = trade.followed
        if advice is None:
            left_out["unmatched"] += 1
        elif (hindsight := _hindsight(trade.session, advice.trained_through, spec)) is not None:
            left_out[hindsight] += 1
        else:
            followed.append(trade)
            if Contradiction.LABEL in trade.flags:
                left_out["label_contradicted"] += 1
                continue
            one = _scored(trade, advice)
            scored.append(one)
            left_out["repeated"] += one.key in observations
            observations.setdefault(one.key, one)
    reasons = LeftOut(**{name: left_out[name] for name in LeftOut.model_fields})
    return SortedTrades(followed, scored, list(observations.values()), reasons)


def calibration(observations: Sequence[ScoredTrade]) -> LiveCalibration | None:
    """Live calibration; None if nothing can be scored."""
    scores = live_scores(
        LivePredictions(
            sessions=np.array([one.trade.session for one in observations], dtype="datetime64[D]"),
            probability=np.array([one.probability for one in observations], dtype=np.float64),
            base_rate=np.array([one.base_rate for one in observations], dtype=np.float64),
            won=np.array([one.won for one in observations], dtype=np.float64),
        )
    )
    return None if scores is None else LiveCalibration.model_validate(scores, from_attributes=True)


def reported_money(trades: Sequence[TradeRecord]) -> ReportedMoney:
    """Net P&L as reported, summed exactly."""
    return ReportedMoney(**_money(trades))


def by_advice(found: SortedTrades, advised: Sequence[SessionAdvice], spec: CondorSpec) -> list[AdvicePerformance]:
    """One record per kind of advice, for advice given out of sample."""
    sessions = Counter(one.advice for one in _out_of_sample(advised, spec))
    records = []
    for advice in TradingAdvice:
        scored = [one for one in found.scored if one.advice == advice]
        records.append(
            AdvicePerformance(
                advice=advice,
                sessions=sessions[advice],
                scored_trades=len(scored),
                win_rate=_mean([one.won for one in scored]),
                mean_probability=_mean([one.probability for one in scored]),
                **_money([trade for trade in found.followed if trade.followed and trade.followed.advice == advice]),
            )
        )
    return records


def skipped_sessions(
    advised: Sequence[SessionAdvice], trades: Sequence[TradeRecord], history: MarketHistory | None, spec: CondorSpec
) -> SkippedSessions:
    """Sessions that were skipped on advice, with the trade that nobody made modelled."""
    traded = {(trade.bot, trade.session) for trade in trades}
    skipped = [
        one
        for one in _out_of_sample(advised, spec)
        if one.advice == TradingAdvice.SKIP_TODAY and (one.bot, one.session) not in traded
    ]
    modelled = model_condors(
        history,
        spec,
        np.array([one.session for one in skipped], dtype="datetime64[D]"),
        np.array([one.sd_multiplier for one in skipped], dtype=np.float64),
    )
    known = np.flatnonzero(~np.isnan(modelled.net_pnl_dollars))
    net = modelled.net_pnl_dollars[known]
    return SkippedSessions(
        note=SKIPPED_NOTE,
        sessions=len(skipped),
        modelled_sessions=len(known),
        not_modelled=len(skipped) - len(known),
        win_rate=_mean(modelled.won[known]),
        mean_probability=_mean([skipped[at].win_probability for at in known]),
        total_net_pnl_dollars=float(net.sum()) if len(net) else None,
        mean_net_pnl_dollars=_mean(net),
    )


def drift(advised: Sequence[SessionAdvice], model: Model) -> list[FeatureDrift]:
    """Compare the live values of each of the model's features, one per session, with its training rows."""
    by_session = {one.session: json.loads(one.features) for one in advised}
    records = []
    for feature in model.features:
        training = model.training_values.get(feature.name)
        live = [features[feature.name]["value"] for features in by_session.values() if feature.name in features]
        if training is not None and live:
            words = {"feature": feature.name, "meaning": feature.meaning, "unit": feature.unit}
            drifted = training.drift(np.array(live, dtype=np.float64))
            records.append(FeatureDrift.model_validate({**words, **asdict(drifted)}))
    return records


def advised_sessions(advised: Sequence[SessionAdvice], spec: CondorSpec) -> AdvisedSessions:
    """Count the sessions advised, by what the advice was and where it came from."""
    hindsight = Counter(_hindsight(one.session, one.trained_through, spec) for one in advised)
    return AdvisedSessions(
        sessions=len(advised),
        in_sample=hindsight["in_sample"],
        training_unknown=hindsight["training_unknown"],
        replayed=sum(one.answered_at.astimezone(NEW_YORK).date() > one.session for one in advised),
        model_versions=_counts(one.model_version for one in advised),
        statuses=_counts(one.status for one in advised),
        reasons=_counts(reason for one in advised for reason in json.loads(one.reasons)),
        variants=_counts(one.variant for one in advised),
    )


def _hindsight(session: date, trained_through: date | None, spec: CondorSpec) -> str | None:
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


def _out_of_sample(advised: Sequence[SessionAdvice], spec: CondorSpec) -> list[SessionAdvice]:
    return [one for one in advised if _hindsight(one.session, one.trained_through, spec) is None]


def _scored(trade: TradeRecord, advice: LoggedAdvice) -> ScoredTrade:
    """Read the advice's curve at the multiplier traded. It is linear between its points, as in the model."""
    multiplier = trade.sd_multiplier
    curve = json.loads(advice.curve)
    points = [point["sd_multiplier"] for point in curve]
    probability, base_rate = (
        float(np.interp(multiplier, points, [point[name] for point in curve]))
        for name in ("win_probability", "base_rate")
    )
    return ScoredTrade(trade, advice.advice, multiplier, probability, base_rate)


def _money(trades: Sequence[TradeRecord]) -> dict[str, Any]:
    total = float(sum(trade.net_pnl_dollars for trade in trades))
    mean = total / len(trades) if trades else None
    return {"trades": len(trades), "total_net_pnl_dollars": total, "mean_net_pnl_dollars": mean}


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _counts(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs, most frequent first."""
    return dict(Counter(names).most_common())
