"""Retrain: train a challenger on the champion's rows, newly settled sessions and reported trades, and judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from kronos.condor.spec import DEFAULT_COLUMN, NEWEST_LABEL, CondorSpec
from kronos.errors import MarketDataError, TrainingRefusedError
from kronos.features.registry import Feature
from kronos.features.variants import CURRENT_FEATURES, FULL
from kronos.market.history import MarketHistory
from kronos.model.artefact import Artefact
from kronos.model.gate import Comparison, Evidence, GateDecision, GateLimits, decide
from kronos.model.model import Model
from kronos.progress import Phases, silent
from kronos.retraining.evidence import (
    UnseenRows,
    answered_by,
    answering,
    predict_forward,
    served_curves,
    unseen_rows,
    vix_correlation,
)
from kronos.retraining.reported_trades import JoinedTrades, ReportedTrade, join_trades
from kronos.training.export import TrainedModel, train
from kronos.training.recipe import DEFAULT_RECIPES, Recipe
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
    spec : the trade of the champion, with today's definition of labels
    own : the champion's rows; under another definition, those that the bars could label anew
    rows : the champion's rows and all new ones
    joined : the reported trades
    market : new sessions to judge by, from the bars
    reported : new sessions to judge by that are known only from reported trades
    """

    champion: Model
    spec: CondorSpec
    own: TrainingRows
    rows: TrainingRows
    joined: JoinedTrades
    market: UnseenRows
    reported: UnseenRows
    vix_correlation: float | None

    @property
    def is_redefined(self) -> bool:
        """Whether the champion was trained on labels of another definition."""
        return self.spec != self.champion.spec

    @property
    def remedy(self) -> str:
        """What to do if too few rows are left."""
        if not self.is_redefined:
            return ""
        return (
            "; the champion learned from another definition of the price at the open, and only sessions with bars "
            "can be labelled anew: train a model with `kronos train --push`"
        )

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
    recipe: Recipe | None = None,
    progress: Phases = silent,
) -> RetrainResult:
    """Train and judge a challenger.

    Parameters
    ----------
    champion : the serving model's artefact
    history : all stored bars
    today : trades on later sessions are ignored
    forced : promote whatever the gate says; its figures are kept
    recipe : default: the one for the champion's kind of entry
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
        challenger = train(rows, material.spec, history, usual_policy=serving.policy, recipe=recipe, progress=progress)
        comparison = _compare(material, challenger, limits, recipe or DEFAULT_RECIPES[material.spec.entry], progress)
        decision = decide(material.evidence(comparison), limits)
    except TrainingRefusedError as error:
        before_training = decide(material.evidence(), limits).figures
        decision = GateDecision(False, f"insufficient_evidence: {error}{material.remedy}", before_training)
    promoted = challenger is not None and (decision.promoted or forced)
    return RetrainResult(promoted, None if promoted else decision.reason, challenger, figures | decision.figures)


def _gather(
    artefact: Artefact, history: MarketHistory | None, trades: Sequence[ReportedTrade], limits: GateLimits
) -> _RetrainInputs:
    """Combine the champion's rows, the bars and the reported trades."""
    champion = Model.from_artefact(artefact)
    known = (*CURRENT_FEATURES, *(feature for feature in champion.features if feature not in CURRENT_FEATURES))
    spec = replace(champion.spec, label=NEWEST_LABEL)
    own = rows_of(artefact)
    # Under another definition all bars are new, whatever the champion learned from.
    settled = _settled_rows(own, history, spec, known, whole=spec != champion.spec)
    if spec == champion.spec:
        own = _own_with(own, settled, known)
    else:
        own = settled.take(np.isin(settled.sessions, own.sessions))
    joined = join_trades(trades, history, spec, known)
    learned = own.sessions[own.from_the_market()]
    rows = merge_rows(own, settled.take(~np.isin(settled.sessions, learned)))
    # A trade without bars holds less information than a row that came from the market.
    known_better = np.isin(joined.rows.sessions, rows.sessions) & ~joined.rows.from_the_market()
    rows = merge_rows(rows, joined.rows.take(~known_better))
    gap, newest = champion.spec.horizon_sessions, limits.confirmation_sessions
    market = unseen_rows(own, settled, champion, gap, newest)
    without_bars = rows.take(~rows.from_the_market())
    return _RetrainInputs(
        champion=champion,
        spec=spec,
        own=own,
        rows=rows,
        joined=joined,
        # Reported trades train the challenger, but where bars exist only the bars judge it.
        market=market,
        reported=unseen_rows(own, without_bars, champion, gap, newest),
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
    own: TrainingRows, history: MarketHistory | None, spec: CondorSpec, known: Sequence[Feature], *, whole: bool
) -> TrainingRows:
    """Rows from the bars for all settled sessions, or for those since the champion's first, traded or not."""
    nothing, learned = own.take(slice(0, 0)).with_features(known), own.sessions[own.from_the_market()]
    if history is None:
        return nothing
    try:
        start = learned[0] if len(learned) and not whole else None
        return build_rows(history, spec, start=start, features=known)[0]
    except MarketDataError:
        return nothing


def _compare(
    material: _RetrainInputs, challenger: TrainedModel, limits: GateLimits, recipe: Recipe, progress: Phases
) -> Comparison:
    """Compare champion and challenger on the new sessions, on recent sessions, and on the champion's history."""
    champion, gap = material.champion, material.spec.horizon_sessions
    sources = (material.market, material.reported)
    forward = predict_forward(sources, material.rows, challenger, gap, recipe, progress(COMPARING))
    before = {name: champion.variants[name].metrics for name in challenger.scores if name in champion.variants}
    before = before or {FULL.name: champion.headline_metrics}
    if material.is_redefined:
        # The champion's stored scores and its level are about another event, so they are no measure for this one.
        scores = challenger.scores.values()
        return Comparison(
            forward,
            calibration_lost=max(one.ece - one.ece_band for one in scores),
            skill=challenger.scores[FULL.name].brier_skill,
        )
    return Comparison(
        forward,
        calibration_lost=max(
            challenger.scores[name].ece - challenger.scores[name].ece_band - _miscalibration(metrics)
            for name, metrics in before.items()
        ),
        recent_shift=_recent_shift(material, challenger.model, limits.recent_sessions),
        skill_lost=max(
            _skill_lost(metrics["brier_skill"], challenger.predictions[name], material.own)
            for name, metrics in before.items()
        ),
    )


def _recent_shift(material: _RetrainInputs, challenger: Model, sessions: int) -> float:
    """Mean change of the probability served at multiplier 1.0 on the newest sessions that both models can answer."""
    rows, models = material.rows, (material.champion, challenger)
    by = [answered_by(rows, answering(model)) for model in models]
    both = [own < len(model.variants) for own, model in zip(by, models, strict=True)]
    recent = np.flatnonzero(both[0] & both[1] & rows.from_the_market())[-sessions:]
    now, after = (
        served_curves(model, answering(model), own[recent], rows.take(recent))[:, DEFAULT_COLUMN]
        for model, own in zip(models, by, strict=True)
    )
    return float((after - now).mean())


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
        "labels_redefined": material.is_redefined,
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
