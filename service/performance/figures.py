"""Turns joined rows into figures: scores, money, skipped sessions, and feature drift."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ares_client.contract import (
    AdvicePerformance,
    AdvisedSessions,
    FeatureDrift,
    LiveCalibration,
    ReportedMoney,
    SkippedInWorld,
    SkippedSessions,
    TradingAdvice,
)
from kronos.backtest.skipped_sessions import model_condors
from kronos.condor.spec import CondorSpec
from kronos.condor.worlds import World
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import NEW_YORK
from kronos.model.model import Model
from kronos.statistics.live_calibration import LivePredictions, live_scores
from kronos.statistics.recent import market_recent_rates
from service.performance.observations import ScoredTrade, SortedTrades, hindsight
from service.performance.repository import SessionAdvice, TradeRecord

SKIPPED_NOTE = (
    "Modelled, not traded: one condor of one contract per session at the requested multiplier, with listed strikes, "
    "credit from a pricing model, and costs, in three worlds of price. Never add it to reported money."
)


def calibration(
    observations: Sequence[ScoredTrade], history: MarketHistory | None, spec: CondorSpec
) -> LiveCalibration | None:
    """Live calibration; None if nothing can be scored."""
    sessions = np.array([one.trade.session for one in observations], dtype="datetime64[D]")
    put, call = (np.array([one.distances[side] for one in observations], dtype=np.float64) for side in (0, 1))
    scores = live_scores(
        LivePredictions(
            sessions=sessions,
            probability=np.array([one.probability for one in observations], dtype=np.float64),
            base_rate=np.array([one.base_rate for one in observations], dtype=np.float64),
            recent_rate=market_recent_rates(history, spec, sessions, put, call),
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
        np.array([_fair_credit(one, spec) for one in skipped], dtype=np.float64),
    )
    by_vix = modelled.net_pnl_dollars[World.VIX_ONLY]
    known = np.flatnonzero(~np.isnan(by_vix))
    net = by_vix[known]
    return SkippedSessions(
        note=SKIPPED_NOTE,
        sessions=len(skipped),
        modelled_sessions=len(known),
        not_modelled=len(skipped) - len(known),
        win_rate=_mean(modelled.won[known]),
        mean_probability=_mean([skipped[at].win_probability for at in known]),
        total_net_pnl_dollars=float(net.sum()) if len(net) else None,
        mean_net_pnl_dollars=_mean(net),
        worlds=[_in_world(world, pnl[~np.isnan(pnl)]) for world, pnl in modelled.net_pnl_dollars.items()],
    )


def _fair_credit(advised: SessionAdvice, spec: CondorSpec) -> float:
    """What the advice said that a condor with the spec's wings pays on average; NaN where it said nothing."""
    fair = advised.listed_fair_credit_points
    return np.nan if fair is None or advised.wing_points != spec.wing_width_points else fair


def _in_world(world: World, net: Floats) -> SkippedInWorld:
    return SkippedInWorld(
        world=world.value,
        money=world.money,
        sessions=len(net),
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
    known_too_much = Counter(hindsight(one.session, one.trained_through, spec) for one in advised)
    return AdvisedSessions(
        sessions=len(advised),
        in_sample=known_too_much["in_sample"],
        training_unknown=known_too_much["training_unknown"],
        replayed=sum(one.answered_at.astimezone(NEW_YORK).date() > one.session for one in advised),
        model_versions=_counts(one.model_version for one in advised),
        statuses=_counts(one.status for one in advised),
        reasons=_counts(reason for one in advised for reason in json.loads(one.reasons)),
        variants=_counts(one.variant for one in advised),
    )


def _out_of_sample(advised: Sequence[SessionAdvice], spec: CondorSpec) -> list[SessionAdvice]:
    return [one for one in advised if hindsight(one.session, one.trained_through, spec) is None]


def _money(trades: Sequence[TradeRecord]) -> dict[str, Any]:
    total = float(sum(trade.net_pnl_dollars for trade in trades))
    mean = total / len(trades) if trades else None
    return {"trades": len(trades), "total_net_pnl_dollars": total, "mean_net_pnl_dollars": mean}


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _counts(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs, most frequent first."""
    return dict(Counter(names).most_common())
