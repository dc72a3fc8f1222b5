"""Retrain: the champion's rows, the sessions settled since and the reported trades make a challenger for the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from kronos.artefact import Artefact
from kronos.errors import MarketDataError, TrainingRefusedError
from kronos.features import VARIANTS
from kronos.gate import Comparison, Evidence, GateDecision, GateLimits, decide
from kronos.market import MarketHistory
from kronos.model import Model
from kronos.training.confirmation import (
    AT_ONE,
    NewSessions,
    new_sessions,
    predict_forward,
    served_curves,
    vix_correlation,
)
from kronos.training.export import TrainedModel, train
from kronos.training.out_of_fold import OutOfFold
from kronos.training.progress import Phases, silent
from kronos.training.recipe import DEFAULT_RECIPE, Recipe
from kronos.training.rows import TrainingRows, build_rows, merge_rows, rows_of
from kronos.training.trades import JoinedTrades, Trade, join_trades

RICHEST, MINIMAL = VARIANTS[0], VARIANTS[-1]
COMPARING = "comparing"


@dataclass(frozen=True, eq=False)
class RetrainResult:
    """A challenger, if one was trained, and what the gate said of it."""

    promoted: bool
    reason: str | None
    challenger: TrainedModel | None
    figures: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Material:
    """What a run has to work with.

    Attributes
    ----------
    own : the champion's rows
    rows : those, and all that is new
    joined : the reported trades
    market, reported : the sessions to judge by: as the bars tell them, and where there are only trades
    """

    champion: Model
    own: TrainingRows
    rows: TrainingRows
    joined: JoinedTrades
    market: NewSessions
    reported: NewSessions
    vix_correlation: float | None

    def evidence(self, comparison: Comparison | None = None) -> Evidence:
        market, reported = self.market.news(self.champion), self.reported.news(self.champion)
        return Evidence(market, reported, self.vix_correlation, comparison)


def retrain(
    champion: bytes,
    history: MarketHistory | None,
    trades: Sequence[Trade],
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
    today : trades of later sessions teach nothing
    forced : promote whatever the gate says; its figures are kept
    progress : told of the phases of `train`, then of `COMPARING`

    Raises
    ------
    ArtefactError
        Where the champion cannot be read.
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
        challenger = train(material.rows, serving.spec, policy=serving.policy, recipe=recipe, progress=progress)
        comparison = _compare(material, challenger, limits, recipe, progress)
        decision = decide(material.evidence(comparison), limits)
    except TrainingRefusedError as error:
        before_training = decide(material.evidence(), limits).figures
        decision = GateDecision(False, f"insufficient_evidence: {error}", before_training)
    promoted = challenger is not None and (decision.promoted or forced)
    return RetrainResult(promoted, None if promoted else decision.reason, challenger, figures | decision.figures)


def _gather(
    artefact: Artefact, history: MarketHistory | None, trades: Sequence[Trade], limits: GateLimits
) -> _Material:
    """Put the champion's rows, the bars and the reported trades together."""
    champion, own = Model.from_artefact(artefact), rows_of(artefact)
    joined = join_trades(trades, history, champion.spec)
    settled = _settled(own, history, champion)
    learned = own.sessions[own.from_the_market()]
    rows = merge_rows(own, settled.take(~np.isin(settled.sessions, learned)))
    # A trade without a bar knows less than a row that the market gave.
    known_better = np.isin(joined.rows.sessions, rows.sessions) & ~joined.rows.from_the_market()
    rows = merge_rows(rows, joined.rows.take(~known_better))
    gap, newest = champion.spec.horizon_sessions, limits.confirmation_sessions
    market = new_sessions(own, settled, RICHEST, gap, newest)
    return _Material(
        champion=champion,
        own=own,
        rows=rows,
        joined=joined,
        # What the bot reports trains the challenger, but where there are bars it has no say in the judgement.
        market=market,
        reported=new_sessions(own, rows.take(~rows.from_the_market()), MINIMAL, gap, newest),
        vix_correlation=None if history is None else vix_correlation(history, market.rows.sessions),
    )


def _settled(own: TrainingRows, history: MarketHistory | None, champion: Model) -> TrainingRows:
    """Rows of the settled sessions since the champion's first, traded or not, as the bars tell them."""
    nothing, learned = own.take(slice(0, 0)), own.sessions[own.from_the_market()]
    if history is None:
        return nothing
    try:
        return build_rows(history, champion.spec, start=learned[0] if len(learned) else None)[0]
    except MarketDataError:
        return nothing


def _compare(
    material: _Material, challenger: TrainedModel, limits: GateLimits, recipe: Recipe, progress: Phases
) -> Comparison:
    """Champion and challenger on the new sessions, on recent ones, and on the champion's history."""
    champion, rows = material.champion, material.rows
    tell, gap = progress(COMPARING), champion.spec.horizon_sessions
    sources = (material.market, material.reported)
    whole = rows.take(rows.complete(RICHEST) & rows.from_the_market())
    recent = whole.take(slice(-limits.recent_sessions, None)).for_variant(RICHEST)
    served = Model.from_artefact(challenger.artefact)
    shift = served_curves(served, RICHEST, recent) - served_curves(champion, RICHEST, recent)
    before = {variant: champion.manifest["variants"][variant]["metrics"] for variant in VARIANTS}
    return Comparison(
        challenger=predict_forward(sources, rows, challenger, gap, recipe, tell),
        recent_shift=float(shift[:, AT_ONE].mean()),
        skill_lost=max(
            _skill_lost(before[variant]["brier_skill"], tested, material.own)
            for variant, tested in challenger.out_of_fold.items()
        ),
        calibration_lost=max(
            scores.ece - scores.ece_band - max(0.0, before[variant]["ece"] - before[variant]["ece_band"])
            for variant, scores in challenger.scores.items()
        ),
    )


def _skill_lost(before: float, tested: OutOfFold, own: TrainingRows) -> float:
    """Brier skill at multiplier 1.0 lost on the champion's own sessions, as far as they were walked again."""
    scored = tested.scored()
    scored = scored[np.isin(tested.rows.sessions[scored], own.sessions)]
    if not len(scored):
        return 0.0
    won = tested.rows.labels[scored, AT_ONE]
    model, climatology = tested.probability[scored, AT_ONE], tested.climatology[scored, AT_ONE]
    return float(before - (1 - ((model - won) ** 2).sum() / ((climatology - won) ** 2).sum()))


def _data_figures(material: _Material) -> dict[str, Any]:
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
