"""Live calibration: the probabilities given before each trade against the outcomes, with intervals fit for few trades.

One settlement decides all probabilities of a session, so every interval is computed by session.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kronos.market.history import Floats
from kronos.market.sessions import Days
from kronos.statistics.calibration import BINS, Bin, calibration_band, expected_calibration_error, reliability_bins
from kronos.statistics.intervals import TAIL, skill_interval
from kronos.statistics.scores import log_loss

TRADES_PER_BIN = 10
LEAST_OF_EACH_OUTCOME = 5


@dataclass(frozen=True, eq=False)
class LivePredictions:
    """Probabilities given before the trades, and how the trades ended: one row per observation.

    Attributes
    ----------
    sessions : (n,) datetime64[D], one entry per observation
    probability, base_rate : (n,) of the event that was traded, 0 to 1
    recent_rate : (n,) how often it came true in the 252 sessions before; NaN where that is not known
    won : (n,) 1.0 or 0.0
    """

    sessions: Days
    probability: Floats
    base_rate: Floats
    recent_rate: Floats
    won: Floats

    def with_recent_rate(self) -> LivePredictions:
        """The observations whose recent rate is known."""
        known = ~np.isnan(self.recent_rate)
        return LivePredictions(
            self.sessions[known],
            self.probability[known],
            self.base_rate[known],
            self.recent_rate[known],
            self.won[known],
        )


@dataclass(frozen=True, slots=True)
class LiveScores:
    """How good the probabilities were.

    Attributes
    ----------
    mean_base_rate : of the base rates given beside the probabilities
    expected_wins : the sum of the probabilities
    expected_wins_interval : the central 95 % of the wins that a calibrated model would see
    base_rate_brier, base_rate_log_loss : scores of the base rates taken as probabilities
    brier_skill : 1 - Brier / Brier of the base rates; None if the base rates were never wrong
    brier_skill_interval : 95 %, block bootstrap by session; None with fewer than 5 wins or 5 losses
    recent_observations : those whose recent rate is known; the recent figures are over these, and None without any
    mean_recent_rate, recent_rate_brier : of the recent rates, the harder reference
    brier_skill_recent, brier_skill_recent_interval : against the recent rates
    log_loss, base_rate_log_loss : nats; None if a probability of 0 or 1 was wrong, since its loss is infinite
    ece : expected calibration error over the bins
    ece_band : 95 % of calibrated models with this many observations stay below it
    bins : at most ten, of equal count, about 10 observations or more each
    """

    observations: int
    sessions: int
    wins: int
    win_rate: float
    mean_probability: float
    mean_base_rate: float
    expected_wins: float
    expected_wins_interval: tuple[int, int]
    brier: float
    base_rate_brier: float
    brier_skill: float | None
    brier_skill_interval: tuple[float, float] | None
    recent_observations: int
    mean_recent_rate: float | None
    recent_rate_brier: float | None
    brier_skill_recent: float | None
    brier_skill_recent_interval: tuple[float, float] | None
    log_loss: float | None
    base_rate_log_loss: float | None
    ece: float
    ece_band: float
    bins: tuple[Bin, ...]


def live_scores(said: LivePredictions, seed: int = 0) -> LiveScores | None:
    """Score the predictions; None if there are none.

    Parameters
    ----------
    seed : of the bootstrap and the band
    """
    count, won = len(said.won), said.won
    if not count:
        return None
    rng = np.random.default_rng(seed)
    recent = said.with_recent_rate()
    skill, interval = _skill(said, said.base_rate, rng)
    recent_skill, recent_interval = _skill(recent, recent.recent_rate, rng)
    bins = min(max(count // TRADES_PER_BIN, 1), BINS)
    return LiveScores(
        observations=count,
        sessions=len(np.unique(said.sessions)),
        wins=int(won.sum()),
        win_rate=float(won.mean()),
        mean_probability=float(said.probability.mean()),
        mean_base_rate=float(said.base_rate.mean()),
        expected_wins=float(said.probability.sum()),
        expected_wins_interval=wins_interval(said.sessions, said.probability),
        brier=float(_squares(said.probability, won).mean()),
        base_rate_brier=float(_squares(said.base_rate, won).mean()),
        brier_skill=skill,
        brier_skill_interval=interval,
        recent_observations=len(recent.won),
        mean_recent_rate=_mean(recent.recent_rate),
        recent_rate_brier=_mean(_squares(recent.recent_rate, recent.won)),
        brier_skill_recent=recent_skill,
        brier_skill_recent_interval=recent_interval,
        log_loss=_finite_log_loss(said.probability, won),
        base_rate_log_loss=_finite_log_loss(said.base_rate, won),
        ece=expected_calibration_error(said.probability, won, bins),
        ece_band=calibration_band(said.probability, rng, bins, said.sessions),
        bins=reliability_bins(said.probability, won, bins),
    )


def wins_interval(sessions: Days, probability: Floats) -> tuple[int, int]:
    """The central 95 % of the number of wins if the probabilities were true.

    The wins of all sessions are added up by exact convolution, as for a Poisson binomial distribution. Within a
    session, exactly the k most probable condors win with chance p(k) - p(k + 1), since a condor with wider strikes
    wins whenever a narrower one does. That is exact for condors of which each lies within the next. Of condors that
    overlap, one farther on the put side and the other on the call side, it is an approximation: they win together less
    often than this assumes, so that the interval is, if anything, too wide.

    Parameters
    ----------
    sessions, probability : (n,)
    """
    order = np.lexsort((-probability, sessions))
    starts = np.flatnonzero(np.diff(sessions[order], prepend=np.datetime64("NaT")) != np.timedelta64(0, "D"))
    distribution = np.ones(1)
    for descending in np.split(probability[order], starts[1:]):
        distribution = np.convolve(distribution, -np.diff(descending, prepend=1.0, append=0.0))
    low, high = np.searchsorted(np.cumsum(distribution), [TAIL, 1 - TAIL])
    return int(low), int(min(high, len(probability)))


def _squares(probability: Floats, won: Floats) -> Floats:
    return np.asarray((probability - won) ** 2)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _skill(
    said: LivePredictions, rates: Floats, rng: np.random.Generator
) -> tuple[float | None, tuple[float, float] | None]:
    """Brier skill against (n,) rates, None if these were never wrong, and its 95 % interval."""
    ours, reference = _squares(said.probability, said.won), _squares(rates, said.won)
    skill = float(1 - ours.mean() / reference.mean()) if reference.any() else None
    wins = int(said.won.sum())
    if min(wins, len(said.won) - wins) < LEAST_OF_EACH_OUTCOME:
        return skill, None
    at = np.unique(said.sessions, return_inverse=True)[1]
    ours, reference = (np.bincount(at, losses).astype(np.float64) for losses in (ours, reference))
    low, high = skill_interval(ours, reference, rng)
    return skill, (low, high) if np.isfinite([low, high]).all() else None


def _finite_log_loss(probability: Floats, won: Floats) -> float | None:
    certain_and_wrong: npt.NDArray[np.bool_] = np.where(won == 1.0, probability, 1 - probability) <= 0
    return None if certain_and_wrong.any() else log_loss(probability, won)
