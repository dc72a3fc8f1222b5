"""A synthetic market whose term structure of volatility knows more than everything else, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from kronos.condor.entry import PriceSource
from kronos.condor.spec import MULTIPLIERS
from kronos.features.variants import FULL, TERM
from kronos.market.history import Floats
from kronos.market.sessions import exchange_sessions
from kronos.training.boosting import BoostingRecipe
from kronos.training.estimator import CurveEstimator, walk_variant
from kronos.training.export import correction_gain
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows

BEFORE = 1_500
NEW = 1_000
RECIPE = Recipe(boosting=BoostingRecipe(rounds=(0,)))


def term_market(known: int, effect: float, seed: int) -> tuple[TrainingRows, Floats]:
    """Rows of `term` and their true probabilities: 1,500 sessions without a term structure, then `known` + 1,000 with.

    Parameters
    ----------
    effect : log-odds of one standard deviation of VIX9D over VIX
    """
    rng = np.random.default_rng(seed)
    count = BEFORE + known + NEW
    features = rng.normal(size=(count, len(TERM.features)))
    names = TERM.feature_names
    features[:, names.index("vix")] = np.exp(3 + 0.3 * features[:, names.index("vix")])
    features[:, names.index("day_of_week")] = np.arange(count) % 5
    short, signal = names.index("vix9d_over_vix"), names.index("realised_ew10_over_implied")
    log_odds = 1.9 - 0.5 * features[:, signal] - effect * features[:, short]
    truth = expit(log_odds[:, None] + 3 * np.log(MULTIPLIERS))
    labels = (rng.random((count, 1)) < truth).astype(float)
    features[:BEFORE, -len(TERM.added) :] = np.nan
    days = exchange_sessions().days[:count]
    given = np.full(count, PriceSource.GIVEN, dtype=np.int32)
    price = np.full(count, 100.0)
    return TrainingRows(TERM.features, days, price, features[:, names.index("vix")], given, features, labels), truth


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute errors on 1,000 sessions that follow, and whether the correction would have been kept."""

    full: float
    term: float
    gain_t: float


def errors(known: int, effect: float, seed: int) -> Errors:
    """Train `full` and its correction on a market that has had a term structure for `known` sessions."""
    rows, truth = term_market(known, effect, seed)
    past, new = rows.take(slice(0, BEFORE + known)), rows.take(slice(BEFORE + known, None))
    found, walks = [], []
    for variant in (FULL, TERM):
        tested = walk_variant(past, variant, 1, RECIPE).predictions
        curve = CurveEstimator(variant, RECIPE).fit(past, tested).curve(new.of_variant(variant))
        found.append(float(np.abs(curve - truth[BEFORE + known :]).mean()))
        walks.append(tested)
    return Errors(found[0], found[1], correction_gain(walks[1], walks[0]))
