"""Sessions that the champion was not trained on, and what a challenger's recipe says of them going forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kronos.condor import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS
from kronos.features import Variant
from kronos.gate import News
from kronos.market import Floats, MarketHistory, Positions
from kronos.model import Model
from kronos.sessions import Days, exchange_sessions
from kronos.training.export import TrainedModel, fit_variant
from kronos.training.out_of_fold import Progress, base_rates, require_enough
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import settled_before

AT_ONE = SD_MULTIPLIERS.index(DEFAULT_SD_MULTIPLIER)
BLOCKS = 10
MIN_VIX_CHANGES = 20


@dataclass(frozen=True, eq=False)
class NewSessions:
    """Sessions of one source that the champion's variant was not trained on.

    Attributes
    ----------
    variant : the one that would have answered
    rows : (n,) complete for it, in order of time
    """

    variant: Variant
    rows: TrainingRows

    def at_multipliers(self, curves: Floats) -> Floats:
        """(n,) of (n, len(SD_MULTIPLIERS)): at 1.0 where that label is known, else at the one that was traded."""
        known = ~np.isnan(self.rows.labels)
        multipliers = np.where(known[:, AT_ONE], AT_ONE, known.argmax(axis=1))
        return np.asarray(curves[np.arange(len(self.rows)), multipliers])

    def news(self, champion: Model) -> News:
        """What the champion says of them, as it serves."""
        served = champion.variants[self.variant]
        features = self.rows.for_variant(self.variant)
        width = served.highest - served.lowest
        outside = (features < served.lowest - width) | (features > served.highest + width)
        return News(
            champion=self.at_multipliers(served_curves(champion, self.variant, features)),
            won=self.at_multipliers(self.rows.labels),
            unlike=np.asarray((outside & (width > 0)).any(axis=1)),
        )


def new_sessions(
    own: TrainingRows, candidates: TrainingRows, variant: Variant, gap_sessions: int, newest: int
) -> NewSessions:
    """The newest candidates that were entered after all trades that the champion's variant learned from had ended."""
    complete = candidates.take(candidates.complete(variant))
    learned = own.sessions[own.complete(variant)]
    if len(learned):
        number = exchange_sessions().number
        complete = complete.take(number(complete.sessions) > number(learned[-1:]) + gap_sessions)
    return NewSessions(variant, complete.take(slice(-newest, None)))


def served_curves(model: Model, variant: Variant, features: Floats) -> Floats:
    """(n, len(SD_MULTIPLIERS)) as served: the base rates where the variant has no skill."""
    chosen = model.variants[variant]
    if chosen.brier_skill <= 0 or not len(features):
        return np.tile(model.base_rates, (len(features), 1))
    return chosen.curve_model.curve(features)


def predict_forward(
    sources: Sequence[NewSessions],
    rows: TrainingRows,
    challenger: TrainedModel,
    gap_sessions: int,
    recipe: Recipe,
    progress: Progress,
) -> Floats:
    """Predict new sessions in blocks, each by the challenger's recipe fitted on what was settled before it.

    Parameters
    ----------
    rows : all that the challenger was trained on
    challenger : its walk forward calibrates, as far as it was settled

    Returns
    -------
    (n,) probabilities, one source after the other

    Raises
    ------
    TrainingRefusedError
        Where too few rows lie before the new sessions.
    """
    blocks = [(new, block) for new in sources for block in _blocks(len(new.rows))]
    probabilities = [np.empty(0)]
    for done, (new, block) in enumerate(blocks, start=1):
        asked = NewSessions(new.variant, new.rows.take(block))
        probabilities.append(_predict_block(asked, rows, challenger, gap_sessions, recipe))
        progress(done, len(blocks))
    return np.concatenate(probabilities)


def _blocks(count: int) -> list[Positions]:
    return [block for block in np.array_split(np.arange(count), BLOCKS) if len(block)]


def _predict_block(
    asked: NewSessions, rows: TrainingRows, challenger: TrainedModel, gap_sessions: int, recipe: Recipe
) -> Floats:
    variant, start = asked.variant, asked.rows.sessions[0]
    earlier = rows.take(rows.complete(variant) & settled_before(rows.sessions, start, gap_sessions))
    require_enough(earlier, variant, recipe)
    if challenger.scores[variant].brier_skill <= 0:
        return asked.at_multipliers(base_rates(earlier.labels, len(asked.rows)))
    walked = challenger.out_of_fold[variant].before(start, gap_sessions)
    return asked.at_multipliers(fit_variant(earlier, variant, walked, recipe).curve(asked.rows.for_variant(variant)))


def vix_correlation(history: MarketHistory, sessions: Days) -> float | None:
    """Correlation of the daily log changes of VIX and SPX on these sessions; None where too few are known."""
    at = np.searchsorted(history.sessions, sessions)
    at = at[at > 0]
    changes = np.log([column[at] / column[at - 1] for column in (history.spx_close, history.vix_close)])
    known = changes[:, ~np.isnan(changes).any(axis=0)]
    if known.shape[1] < MIN_VIX_CHANGES or (known.std(axis=1) == 0).any():
        return None
    return float(np.corrcoef(known)[0, 1])
