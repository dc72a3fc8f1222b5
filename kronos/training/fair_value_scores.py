"""The fair credit scored as a forecast of money: what the curves said that condors pay, against what they paid.

Nothing of a session is known to its own forecast: its curve is out of fold, and the shape of losses, like the recent
mean payout, is that of sessions which had settled before the fold, or before the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from kronos.condor.labels import payouts
from kronos.condor.spec import DEFAULT_COLUMN, MULTIPLIERS, SD_MULTIPLIERS, CondorSpec
from kronos.condor.strikes import expected_move
from kronos.market.history import Floats, MarketHistory, Positions
from kronos.market.sessions import Days
from kronos.model.loss_shape import LossShape
from kronos.statistics.intervals import bootstrap_counts, central, mean_error, skill_interval, t_statistic
from kronos.statistics.recent import recent_means
from kronos.training.losses import Losses
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Predictions

DECILES: Final = 10
SEED: Final = 0


@dataclass(frozen=True, eq=False)
class PayoutForecasts:
    """Fair credits of the predicted sessions, and what their condors paid; (n, multipliers) in index points.

    Attributes
    ----------
    sessions : (n,)
    said : by the curves
    by_recent_rates : by the win rates of the last 252 sessions, and so with today's expected move and the same shape
    recent_payout : the mean payout of the last 252 sessions
    paid : at exact multiples of the expected move; NaN where it is not known
    """

    sessions: Days
    said: Floats
    by_recent_rates: Floats
    recent_payout: Floats
    paid: Floats

    def take(self, chosen: Positions) -> PayoutForecasts:
        """Some of the sessions."""
        return PayoutForecasts(**{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True, slots=True)
class PayoutScores:
    """Fair credits at one multiplier, in index points; intervals are 95 %, by block bootstrap or Newey-West.

    Attributes
    ----------
    said, paid : means
    bias_interval : of said minus paid
    skill_recent_payout : 1 - mean squared error over that of the mean payout of the last 252 sessions
    skill_recent_rates : the same over the fair credit by the win rates of the last 252 sessions
    """

    sessions: int
    said: float
    paid: float
    bias_interval: tuple[float, float]
    skill_recent_payout: float
    skill_recent_payout_interval: tuple[float, float]
    skill_recent_payout_t: float
    skill_recent_rates: float
    skill_recent_rates_interval: tuple[float, float]
    skill_recent_rates_t: float


@dataclass(frozen=True, slots=True)
class Decile:
    """A tenth of the sessions, by fair credit: mean said, and mean paid with its 95 % block-bootstrap interval."""

    sessions: int
    said: float
    paid: float
    paid_interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class FairValueScores:
    """How good the fair credits are, by multiplier and, at multiplier 1.0, by decile; `wing_points` wide."""

    wing_points: float
    by_multiplier: dict[str, PayoutScores]
    deciles: Sequence[Decile]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def forecast_payouts(
    tested: Predictions,
    folds: Sequence[Positions],
    rows: TrainingRows,
    history: MarketHistory,
    spec: CondorSpec,
) -> PayoutForecasts | None:
    """Price every prediction of a walk; None for condors that are not held to settlement, which no curve prices.

    Parameters
    ----------
    folds : for each model of the walk, the positions in `tested` of what it predicted
    rows : those that the walk was made of
    """
    if spec.management != "hold":
        return None
    gap, wing = spec.horizon_sessions, spec.wing_width_points
    at = np.searchsorted(history.sessions, tested.rows.sessions)
    paid = payouts(history, spec, wing)
    known = np.flatnonzero(np.isin(history.sessions, rows.sessions))
    shapes = Losses.of_history(history, spec).shapes(tested, folds, rows, gap)
    said, by_recent = (np.empty_like(tested.probability) for _ in range(2))
    move = expected_move(tested.rows.price, tested.rows.vix, spec.horizon_sessions)[:, None]
    for fold, shape in zip(folds, shapes, strict=True):
        for found, curves in ((said, tested.probability), (by_recent, np.maximum.accumulate(tested.recent, axis=1))):
            found[fold] = _priced(shape, curves[fold], move[fold], wing)
    recent = recent_means(history.sessions[known], paid[known], tested.rows.sessions, gap)
    return PayoutForecasts(tested.rows.sessions, said, by_recent, recent, paid[at])


def score_fair_values(forecasts: PayoutForecasts, wing_points: float) -> FairValueScores:
    """Score forecasts, at least one, whose payouts are all known."""
    rng = np.random.default_rng(SEED)
    by_multiplier = {f"{multiplier:.1f}": _scored(forecasts, at, rng) for at, multiplier in enumerate(SD_MULTIPLIERS)}
    return FairValueScores(wing_points, by_multiplier, _deciles(forecasts, rng))


def _scored(forecasts: PayoutForecasts, at: int, rng: np.random.Generator) -> PayoutScores:
    said, paid = forecasts.said[:, at], forecasts.paid[:, at]
    bias, half = float((said - paid).mean()), mean_error(said - paid)
    errors = [
        (said_so[:, at] - paid) ** 2 for said_so in (forecasts.said, forecasts.recent_payout, forecasts.by_recent_rates)
    ]
    ours, *references = errors
    skills = [
        (1 - float(ours.sum() / theirs.sum()), skill_interval(ours, theirs, rng), t_statistic(theirs - ours))
        for theirs in references
    ]
    (payout_skill, payout_interval, payout_t), (rates_skill, rates_interval, rates_t) = skills
    return PayoutScores(
        sessions=len(said),
        said=float(said.mean()),
        paid=float(paid.mean()),
        bias_interval=(bias - half, bias + half),
        skill_recent_payout=payout_skill,
        skill_recent_payout_interval=payout_interval,
        skill_recent_payout_t=payout_t,
        skill_recent_rates=rates_skill,
        skill_recent_rates_interval=rates_interval,
        skill_recent_rates_t=rates_t,
    )


def _deciles(forecasts: PayoutForecasts, rng: np.random.Generator) -> list[Decile]:
    """At multiplier 1.0, from the lowest fair credit to the highest; fewer than ten where sessions are few."""
    said, paid = forecasts.said[:, DEFAULT_COLUMN], forecasts.paid[:, DEFAULT_COLUMN]
    counts = bootstrap_counts(len(said), rng)
    found = []
    for chosen in np.array_split(np.argsort(said, kind="stable"), min(DECILES, len(said))):
        drawn = counts[:, chosen].sum(axis=1)
        means = (counts[:, chosen] @ paid[chosen])[drawn > 0] / drawn[drawn > 0]
        found.append(Decile(len(chosen), float(said[chosen].mean()), float(paid[chosen].mean()), central(means)))
    return found


def _priced(shape: LossShape, curves: Floats, move: Floats, wing_points: float) -> Floats:
    return shape.mean_payout(MULTIPLIERS, curves, MULTIPLIERS, MULTIPLIERS, wing_points / move) * move
