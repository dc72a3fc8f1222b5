"""Retrain: the champion's rows, the sessions settled since and the reported trades make a challenger for the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from kronos.artefact import Artefact
from kronos.condor import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS
from kronos.errors import MarketDataError, TrainingRefusedError
from kronos.features import VARIANTS
from kronos.gate import Evidence, GateDecision, GateLimits, decide
from kronos.market import Floats, MarketHistory
from kronos.model import Model
from kronos.training.export import TrainedModel, fit_variant, train
from kronos.training.out_of_fold import Progress, walk_forward
from kronos.training.recipe import DEFAULT_RECIPE, Recipe
from kronos.training.rows import TrainingRows, build_rows, merge_rows, rows_of
from kronos.training.trades import JoinedTrades, Trade, join_trades

RICHEST = VARIANTS[0]
AT_ONE = SD_MULTIPLIERS.index(DEFAULT_SD_MULTIPLIER)


@dataclass(frozen=True, eq=False)
class RetrainResult:
    """A challenger, if one was trained, and what the gate said of it."""

    promoted: bool
    reason: str | None
    challenger: TrainedModel | None
    figures: dict[str, Any]


def retrain(
    champion: bytes,
    history: MarketHistory | None,
    trades: Sequence[Trade],
    limits: GateLimits,
    today: date,
    *,
    forced: bool = False,
    recipe: Recipe = DEFAULT_RECIPE,
    progress: Progress | None = None,
) -> RetrainResult:
    """Train and judge a challenger.

    Parameters
    ----------
    champion : the serving model's artefact
    history : all stored bars
    today : trades of later sessions teach nothing
    forced : promote whatever the gate says; its figures are kept

    Raises
    ------
    ArtefactError
        Where the champion cannot be read.
    """
    artefact = Artefact.from_bytes(champion)
    serving = Model.from_artefact(artefact)
    own = rows_of(artefact)
    joined = join_trades([trade for trade in trades if trade.session <= today], history, serving.spec)
    rows = merge_rows(own, _settled_since(own, history, serving))
    # A trade without a bar knows less than a row that the market gave.
    known_better = np.isin(joined.rows.sessions, rows.sessions) & ~joined.rows.from_the_market()
    rows = merge_rows(rows, joined.rows.take(~known_better))
    figures = _data_figures(own, rows, joined)
    if joined.suspicious_share > limits.max_suspicious_share and not forced:
        return RetrainResult(False, _suspicion(joined, limits), None, figures)
    try:
        challenger = train(rows, serving.spec, policy=serving.policy, recipe=recipe, progress=progress)
    except TrainingRefusedError as error:
        return RetrainResult(False, f"insufficient_evidence: {error}", None, figures)
    try:
        decision = decide(_evidence(own, rows, serving, challenger, limits, recipe), limits)
    except TrainingRefusedError as error:
        decision = GateDecision(False, f"insufficient_evidence: {error}", {})
    promoted = decision.promoted or forced
    return RetrainResult(promoted, None if promoted else decision.reason, challenger, {**figures, **decision.figures})


def _settled_since(own: TrainingRows, history: MarketHistory | None, serving: Model) -> TrainingRows:
    """Rows of the settled sessions that the champion has not learned from the market, traded or not."""
    nothing = own.take(slice(0, 0))
    if history is None:
        return nothing
    learned = own.sessions[own.from_the_market()]
    try:
        settled = build_rows(history, serving.spec, start=learned[0])[0]
    except MarketDataError:
        return nothing
    return settled.take(~np.isin(settled.sessions, learned))


def _evidence(
    own: TrainingRows,
    rows: TrainingRows,
    serving: Model,
    challenger: TrainedModel,
    limits: GateLimits,
    recipe: Recipe,
) -> Evidence:
    """Both recipes fitted without the newest sessions, and asked about those."""
    whole = rows.take(rows.complete(RICHEST) & rows.from_the_market())
    newest = whole.take(slice(max(0, len(whole) - limits.confirmation_sessions), None))
    cut = newest.sessions[0]
    served = Model.from_artefact(challenger.artefact)
    features = newest.for_variant(RICHEST)[-limits.recent_sessions :]
    shift = served.variants[RICHEST].curve_model.curve(features) - serving.variants[RICHEST].curve_model.curve(features)
    before = serving.manifest["variants"]
    return Evidence(
        champion=_without_newest(own, cut, serving, newest, recipe),
        challenger=_without_newest(rows, cut, serving, newest, recipe),
        won=newest.labels[:, AT_ONE],
        recent_shift=float(shift[:, AT_ONE].mean()),
        skill_lost=max(
            before[variant]["metrics"]["brier_skill"] - scores.brier_skill
            for variant, scores in challenger.scores.items()
        ),
        ece_over_band=max(scores.ece - scores.ece_band for scores in challenger.scores.values()),
    )


def _without_newest(
    rows: TrainingRows, cut: np.datetime64, serving: Model, newest: TrainingRows, recipe: Recipe
) -> Floats:
    """(n,) probabilities of the newest sessions from a model fitted on the rows before them."""
    earlier = rows.take(rows.sessions < cut)
    tested = walk_forward(earlier, RICHEST, serving.spec.horizon_sessions, recipe)
    model = fit_variant(earlier, RICHEST, tested, recipe)
    return model.curve(newest.for_variant(RICHEST))[:, AT_ONE]


def _data_figures(own: TrainingRows, rows: TrainingRows, joined: JoinedTrades) -> dict[str, Any]:
    return {
        "sessions_before": len(own),
        "sessions_now": len(rows),
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
