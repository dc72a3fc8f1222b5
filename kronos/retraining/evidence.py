"""Sessions that the champion was not trained on, and the challenger's out-of-sample predictions for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kronos.condor.spec import DEFAULT_COLUMN, MULTIPLIERS
from kronos.features.variants import MINIMAL, Variant, variant_named
from kronos.market.history import Floats, MarketHistory, Positions
from kronos.market.sessions import Days, exchange_sessions
from kronos.model.gate import UnseenSessions
from kronos.model.model import Model
from kronos.progress import Progress
from kronos.training.estimator import CurveEstimator, learnable, require_enough
from kronos.training.export import TrainedModel
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import base_rates, settled_before

BLOCKS = 10
MIN_VIX_CHANGES = 20


@dataclass(frozen=True, eq=False)
class UnseenRows:
    """Sessions from one source that the champion was not trained on.

    Attributes
    ----------
    served : the champion's variants, in the order in which they answer
    by : (n,) position in `served` of the variant that answers each row
    rows : (n,) in time order
    """

    served: tuple[Variant, ...]
    by: Positions
    rows: TrainingRows

    def take(self, chosen: Positions | slice) -> UnseenRows:
        """Some of the sessions."""
        return UnseenRows(self.served, self.by[chosen], self.rows.take(chosen))

    def at_multipliers(self, curves: Floats) -> Floats:
        """(n,) values of (n, len(SD_MULTIPLIERS)) at multiplier 1.0 if that label is known, else at the one traded."""
        return at_multipliers(self.rows, curves)

    def as_served(self, champion: Model) -> UnseenSessions:
        """The champion's answers for these sessions."""
        unlike = np.zeros(len(self.rows), dtype=bool)
        for at, variant in enumerate(self.served):
            one, own = champion.variants[variant.name], np.flatnonzero(self.by == at)
            features, width = self.rows.take(own).of_variant(variant), one.highest - one.lowest
            outside = (features < one.lowest - width) | (features > one.highest + width)
            unlike[own] = (outside & (width > 0)).any(axis=1)
        curves = served_curves(champion, self.served, self.by, self.rows)
        return UnseenSessions(self.at_multipliers(curves), self.at_multipliers(self.rows.labels), unlike)


def at_multipliers(rows: TrainingRows, curves: Floats) -> Floats:
    """(n,) values of (n, len(SD_MULTIPLIERS)) at multiplier 1.0 if that label is known, else at the one traded."""
    known = ~np.isnan(rows.labels)
    multipliers = np.where(known[:, DEFAULT_COLUMN], DEFAULT_COLUMN, known.argmax(axis=1))
    return np.asarray(curves[np.arange(len(rows)), multipliers])


def answering(model: Model) -> tuple[Variant, ...]:
    """A model's variants in the order in which they answer: those with skill first, and the richest first."""
    return tuple(one.variant for one in sorted(model.variants.values(), key=lambda one: not one.has_skill))


def answered_by(rows: TrainingRows, variants: Sequence[Variant]) -> Positions:
    """(n,) position of the first variant that is complete; `len(variants)` where none is."""
    complete = [rows.complete(variant) for variant in variants]
    return np.asarray(np.argmax([*complete, np.ones(len(rows), dtype=bool)], axis=0))


def served_curves(model: Model, variants: Sequence[Variant], by: Positions, rows: TrainingRows) -> Floats:
    """(n, len(SD_MULTIPLIERS)) what a model answers for rows, each by one of the variants."""
    curves = np.empty((len(rows), len(MULTIPLIERS)))
    for at, variant in enumerate(variants):
        own = np.flatnonzero(by == at)
        answers = model.served_curves(variant.name, rows.take(own).of_variant(variant))
        curves[own] = on_todays_multipliers(model, answers)
    return curves


def unseen_rows(
    own: TrainingRows, candidates: TrainingRows, champion: Model, gap_sessions: int, newest: int
) -> UnseenRows:
    """The newest candidates that were entered after the last trade in the champion's training data had settled."""
    served = answering(champion)
    by = answered_by(candidates, served)
    # Whatever answers for the champion, every new model has a minimal variant to answer as well.
    unseen = (by < len(served)) & candidates.complete(MINIMAL)
    number = exchange_sessions().number
    for at, variant in enumerate(served):
        learned = own.sessions[own.complete(variant.base)]
        if len(learned):
            unseen &= (by != at) | (number(candidates.sessions) > number(learned[-1:]) + gap_sessions)
    return UnseenRows(served, by, candidates).take(np.flatnonzero(unseen)[-newest:])


def on_todays_multipliers(model: Model, curves: Floats) -> Floats:
    """(n, len(SD_MULTIPLIERS)) a model's curves read at today's multipliers, linearly between its own."""
    if np.array_equal(model.multipliers, MULTIPLIERS):
        return curves
    read = [np.interp(MULTIPLIERS, model.multipliers, curve) for curve in curves]
    return np.array(read).reshape(-1, len(MULTIPLIERS))


def predict_forward(
    sources: Sequence[UnseenRows],
    rows: TrainingRows,
    challenger: TrainedModel,
    gap_sessions: int,
    recipe: Recipe,
    progress: Progress,
) -> Floats:
    """Predict new sessions in blocks, each with the challenger's recipe fitted on sessions settled before the block.

    Parameters
    ----------
    rows : all rows that the challenger was trained on
    challenger : the settled part of its walk-forward predictions calibrates each fit

    Returns
    -------
    (n,) probabilities, one source after the other

    Raises
    ------
    TrainingRefusedError
        If too few rows lie before the new sessions.
    """
    blocks = [(new, block) for new in sources for block in _blocks(len(new.rows))]
    probabilities = [np.empty(0)]
    for done, (new, block) in enumerate(blocks, start=1):
        probabilities.append(_predict_block(new.rows.take(block), rows, challenger, gap_sessions, recipe))
        progress(done, len(blocks))
    return np.concatenate(probabilities)


def _blocks(count: int) -> list[Positions]:
    return [block for block in np.array_split(np.arange(count), BLOCKS) if len(block)]


def _predict_block(
    asked: TrainingRows, rows: TrainingRows, challenger: TrainedModel, gap_sessions: int, recipe: Recipe
) -> Floats:
    variants = [variant_named(variant.name) for variant in answering(challenger.model)]
    by, curves = answered_by(asked, variants), np.empty((len(asked), len(MULTIPLIERS)))
    settled = settled_before(rows.sessions, asked.sessions[0], gap_sessions)
    for at, variant in enumerate(variants):
        own = np.flatnonzero(by == at)
        if not len(own):
            continue
        earlier = rows.take(learnable(rows, variant) & settled)
        require_enough(earlier, variant.base, recipe)
        if challenger.scores[variant.name].brier_skill <= 0:
            curves[own] = base_rates(earlier.labels, len(own))
            continue
        walked = challenger.predictions[variant.name].settled_before(asked.sessions[0], gap_sessions)
        model = CurveEstimator(variant, recipe).fit(earlier, walked)
        curves[own] = model.curve(asked.take(own).of_variant(variant))
    return at_multipliers(asked, curves)


def vix_correlation(history: MarketHistory, sessions: Days) -> float | None:
    """Correlation of daily log changes of VIX and SPX on these sessions; None if too few are known."""
    at = np.searchsorted(history.sessions, sessions)
    at = at[at > 0]
    changes = np.log([column[at] / column[at - 1] for column in (history.spx_close, history.vix_close)])
    known = changes[:, ~np.isnan(changes).any(axis=0)]
    if known.shape[1] < MIN_VIX_CHANGES or (known.std(axis=1) == 0).any():
        return None
    return float(np.corrcoef(known)[0, 1])
