"""Sessions that the champion was not trained on, and the challenger's out-of-sample predictions for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kronos.condor.spec import DEFAULT_COLUMN, MULTIPLIERS
from kronos.features.variants import Variant
from kronos.market.history import Floats, MarketHistory, Positions
from kronos.market.sessions import Days, exchange_sessions
from kronos.model.gate import UnseenSessions
from kronos.model.model import Model
from kronos.progress import Progress
from kronos.training.estimator import CurveEstimator, require_enough
from kronos.training.export import TrainedModel
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import base_rates, settled_before

BLOCKS = 10
MIN_VIX_CHANGES = 20


@dataclass(frozen=True, eq=False)
class UnseenRows:
    """Sessions from one source that the champion's variant was not trained on.

    Attributes
    ----------
    served : the champion's variant that would have answered
    trained : the challenger's variant in its place
    rows : (n,) complete for both, in time order
    """

    served: Variant
    trained: Variant
    rows: TrainingRows

    def at_multipliers(self, curves: Floats) -> Floats:
        """(n,) values of (n, len(SD_MULTIPLIERS)) at multiplier 1.0 if that label is known, else at the one traded."""
        known = ~np.isnan(self.rows.labels)
        multipliers = np.where(known[:, DEFAULT_COLUMN], DEFAULT_COLUMN, known.argmax(axis=1))
        return np.asarray(curves[np.arange(len(self.rows)), multipliers])

    def as_served(self, champion: Model) -> UnseenSessions:
        """The champion's answers for these sessions."""
        served = champion.variants[self.served.name]
        features = self.rows.of_variant(self.served)
        width = served.highest - served.lowest
        outside = (features < served.lowest - width) | (features > served.highest + width)
        curves = on_todays_multipliers(champion, champion.served_curves(self.served.name, features))
        return UnseenSessions(
            champion=self.at_multipliers(curves),
            won=self.at_multipliers(self.rows.labels),
            unlike=np.asarray((outside & (width > 0)).any(axis=1)),
        )


def unseen_rows(
    own: TrainingRows, candidates: TrainingRows, served: Variant, trained: Variant, gap_sessions: int, newest: int
) -> UnseenRows:
    """The newest candidates that were entered after the last trade in the champion's training data had settled."""
    complete = candidates.take(candidates.complete(served) & candidates.complete(trained))
    learned = own.sessions[own.complete(served)]
    if len(learned):
        number = exchange_sessions().number
        complete = complete.take(number(complete.sessions) > number(learned[-1:]) + gap_sessions)
    return UnseenRows(served, trained, complete.take(slice(-newest, None)))


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
        asked = UnseenRows(new.served, new.trained, new.rows.take(block))
        probabilities.append(_predict_block(asked, rows, challenger, gap_sessions, recipe))
        progress(done, len(blocks))
    return np.concatenate(probabilities)


def _blocks(count: int) -> list[Positions]:
    return [block for block in np.array_split(np.arange(count), BLOCKS) if len(block)]


def _predict_block(
    asked: UnseenRows, rows: TrainingRows, challenger: TrainedModel, gap_sessions: int, recipe: Recipe
) -> Floats:
    variant, start = asked.trained, asked.rows.sessions[0]
    earlier = rows.take(rows.complete(variant) & settled_before(rows.sessions, start, gap_sessions))
    require_enough(earlier, variant.name, recipe)
    if challenger.scores[variant.name].brier_skill <= 0:
        return asked.at_multipliers(base_rates(earlier.labels, len(asked.rows)))
    walked = challenger.predictions[variant.name].settled_before(start, gap_sessions)
    model = CurveEstimator(variant, recipe).fit(earlier, walked)
    return asked.at_multipliers(model.curve(asked.rows.of_variant(variant)))


def vix_correlation(history: MarketHistory, sessions: Days) -> float | None:
    """Correlation of daily log changes of VIX and SPX on these sessions; None if too few are known."""
    at = np.searchsorted(history.sessions, sessions)
    at = at[at > 0]
    changes = np.log([column[at] / column[at - 1] for column in (history.spx_close, history.vix_close)])
    known = changes[:, ~np.isnan(changes).any(axis=0)]
    if known.shape[1] < MIN_VIX_CHANGES or (known.std(axis=1) == 0).any():
        return None
    return float(np.corrcoef(known)[0, 1])
