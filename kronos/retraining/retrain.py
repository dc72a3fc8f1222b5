"""Retrain: train a challenger on the champion's rows, newly settled sessions and reported trades, and judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from kronos.condor.spec import DEFAULT_COLUMN
from kronos.errors import MarketDataError, TrainingRefusedError
from kronos.features.registry import Feature
from kronos.features.variants import CURRENT_FEATURES, FULL, MINIMAL
from kronos.market.history import MarketHistory
from kronos.model.artefact import Artefact
from kronos.model.gate import Comparison, Evidence, GateDecision, GateLimits, decide
from kronos.model.model import Model
from kronos.progress import Phases, silent
from kronos.retraining.evidence import (
    UnseenRows,
    on_todays_multipliers,
    predict_forward,
    unseen_rows,
    vix_correlation,
)
from kronos.retraining.reported_trades import JoinedTrades, ReportedTrade, join_trades
from kronos.training.export import TrainedModel, train
from kronos.training.recipe import DEFAULT_RECIPE, Recipe
from kronos.training.rows import TrainingRows, build_rows, merge_rows, rows_of
from kronos.training.walk_forward import Predictions

COMPARING = "comparing"


@dataclass(frozen=True, eq=False)
class RetrainResult:
    """The challenger, if one was trained, and the gate's verdict."""

    promoted: bool
    reason: str | None
    challenger: TrainedModel | None
    figures: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _RetrainInputs:
    """The material of a retraining.

    Attributes
    ----------
    own : the champion's rows
    rows : the champion's rows and all new ones
    joined : the reported trades
    market : new sessions to judge by, from the bars
    reported : new sessions to judge by that are known only from reported trades
    """

    champion: Model
    own: TrainingRows
    rows: TrainingRows
    joined: JoinedTrades
    market: UnseenRows
    reported: UnseenRows
    vix_correlation: float | None

    def evidence(self, comparison: Comparison | None = None) -> Evidence:
        market, reported = (unseen.as_served(self.champion) for unseen in (self.market, self.reported))
        return Evidence(market, reported, self.vix_correlation, comparison)


def retrain(
    champion: bytes,
    history: MarketHistory | None,
    trades: Sequence[ReportedTrade],
    limits: GateLimits,
    today: date,
    *,
    forced: bool = False,
    recipe: Recipe = DEFAULT_RECIPE,
    progress: Phases = silent,
) -> RetrainResult:
    """Train and judge a challenger.

    Parameters
    ----------
    champion : the serving model's artefact
    history : all stored bars
    today : trades on later sessions are ignored
    forced : promote whatever the gate says; its figures are kept
    progress : called with the phases of `train`, then with `COMPARING`

    Raises
    ------
    ArtefactError
        If the champion cannot be read.
    """
    past = [trade for trade in trades if trade.session <= today]
    material = _gather(Artefact.from_bytes(champion), history, past, limits)
    figures = _data_figures(material) | {"trades_from_the_future": len(trades) - len(past)}
    if material.joined.suspicious_share > limits.max_suspicious_share and not forced:
        before_training = decide(material.evidence(), limits).figures
        return RetrainResult(False, _suspicion(material.joined, limits), None, figures | before_training)
    serving = material.champion
    challenger = None
    try:
        rows = material.rows.with_features(CURRENT_FEATURES)
        challenger = train(rows, serving.spec, history, policy=serving.policy, recipe=recipe, progress=progress)
        comparison = _compare(material, challenger, limits, recipe, progress)
        decision = decide(material.evidence(comparison), limits)
    except TrainingRefusedError as error:
        before_training = decide(material.evidence(), limits).figures
        decision = GateDecision(False, f"insufficient_evidence: {error}", before_training)
    promoted = challenger is not None and (decision.promoted or forced)
    return RetrainResult(promoted, None if promoted else decision.reason, challenger, figures | decision.figures)


def _gather(
    artefact: Artefact, history: MarketHistory | None, trades: Sequence[ReportedTrade], limits: GateLimits
) -> _RetrainInputs:
    """Combine the champion's rows, the bars and the reported trades."""
    champion = Model.from_artefact(artefact)
    known = (*CURRENT_FEATURES, *(feature for feature in champion.features if feature not in CURRENT_FEATURES))
    own = rows_of(artefact)
    settled = _settled_rows(own, history, champion, known)
    own = _own_with(own, settled, known)
    joined = join_trades(trades, history, champion.spec, known)
    learned = own.sessions[own.from_the_market()]
    rows = merge_rows(own, settled.take(~np.isin(settled.sessions, learned)))
    # A trade without bars holds less information than a row that came from the market.
    known_better = np.isin(joined.rows.sessions, rows.sessions) & ~joined.rows.from_the_market()
    rows = merge_rows(rows, joined.rows.take(~known_better))
    gap, newest = champion.spec.horizon_sessions, limits.confirmation_sessions
    market = unseen_rows(own, settled, champion.richest, FULL, gap, newest)
    without_bars = rows.take(~rows.from_the_market())
    return _RetrainInputs(
        champion=champion,
        own=own,
        rows=rows,
        joined=joined,
        # Reported trades train the challenger, but where bars exist only the bars judge it.
        market=market,
        reported=unseen_rows(own, without_bars, champion.poorest, MINIMAL, gap, newest),
        vix_correlation=None if history is None else vix_correlation(history, market.rows.sessions),
    )


def _own_with(own: TrainingRows, settled: TrainingRows, known: Sequence[Feature]) -> TrainingRows:
    """The champion's rows with today's features; features that it was not trained on come from the stored bars."""
    widened = own.with_features(known)
    if set(known) <= set(own.known):
        return widened
    learned = own.sessions[own.from_the_market()]
    return merge_rows(widened, settled.take(np.isin(settled.sessions, learned)))


def _settled_rows(
    own: TrainingRows, history: MarketHistory | None, champion: Model, known: Sequence[Feature]
) -> TrainingRows:
    """Rows from the bars for all settled sessions since the champion's first, traded or not."""
    nothing, learned = own.take(slice(0, 0)).with_features(known), own.sessions[own.from_the_market()]
    if history is None:
        return nothing
    try:
        return build_rows(history, champion.spec, start=learned[0] if len(learned) else None, features=known)[0]
    except MarketDataError:
        return nothing


def _compare(
    material: _RetrainInputs, challenger: TrainedModel, limits: GateLimits, recipe: Recipe, progress: Phases
) -> Comparison:
    """Compare champion and challenger on the new sessions, on recent sessions, and on the champion's history."""
    champion, rows = material.champion, material.rows
    tell, gap = progress(COMPARING), champion.spec.horizon_sessions
    sources = (material.market, material.reported)
    whole = rows.take(rows.complete(FULL) & rows.complete(champion.richest) & rows.from_the_market())
    recent = whole.take(slice(-limits.recent_sessions, None))
    after = Model.from_artefact(challenger.artefact).served_curves(FULL.name, recent.of_variant(FULL))
    now = champion.served_curves(champion.richest.name, recent.of_variant(champion.richest))
    shift = after - on_todays_multipliers(champion, now)
    before = {name: champion.variants[name].metrics for name in challenger.scores if name in champion.variants}
    before = before or {FULL.name: champion.headline_metrics}
    return Comparison(
        challenger=predict_forward(sources, rows, challenger, gap, recipe, tell),
        recent_shift=float(shift[:, DEFAULT_COLUMN].mean()),
        skill_lost=max(
            _skill_lost(metrics["brier_skill"], challenger.predictions[name], material.own)
            for name, metrics in before.items()
        ),
        calibration_lost=max(
            challenger.scores[name].ece - challenger.scores[name].ece_band - _miscalibration(metrics)
            for name, metrics in before.items()
        ),
    )


def _miscalibration(metrics: Mapping[str, Any]) -> float:
    """Calibration error beyond its band; 0 if the stored metrics lack it."""
    return max(0.0, float(metrics.get("ece", 0.0)) - float(metrics.get("ece_band", 0.0)))


def _skill_lost(before: float, tested: Predictions, own: TrainingRows) -> float:
    """Brier skill at multiplier 1.0 lost on those of the champion's own sessions that were walked forward again."""
    scored = tested.scored()
    scored = scored[np.isin(tested.rows.sessions[scored], own.sessions)]
    if not len(scored):
        return 0.0
    won = tested.rows.labels[scored, DEFAULT_COLUMN]
    model, climatology = tested.probability[scored, DEFAULT_COLUMN], tested.climatology[scored, DEFAULT_COLUMN]
    return float(before - (1 - ((model - won) ** 2).sum() / ((climatology - won) ** 2).sum()))


def _data_figures(material: _RetrainInputs) -> dict[str, Any]:
    joined = material.joined
    return {
        "sessions_before": len(material.own),
        "sessions_now": len(material.rows),
        "trades_checked": joined.checked,
        "trades_contradicted": joined.contradicted,
        "trades_implausible": joined.implausible,
        "trades_unusable": joined.unusable,
    }


def _suspicion(joined: JoinedTrades, limits: GateLimits) -> str:
    return (
        f"the reported trades contradict the market: of {joined.checked} checked, {joined.contradicted} have a label "
        f"that the settlement denies and {joined.implausible} an implausible price or VIX "
        f"(limit {limits.max_suspicious_share:.0%})"
    )
