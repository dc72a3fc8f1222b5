"""Scores of probabilities that were made out of sample, with their uncertainty."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kronos.market import Floats
from kronos.sessions import Days

BINS = 10
BOOTSTRAP_SAMPLES = 1_000
BAND_SAMPLES = 1_000
BAND_BATCH = 100
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Bin:
    """One of the equal-count bins of a reliability diagram, with a Wilson interval of its win rate."""

    count: int
    mean_probability: float
    win_rate: float
    win_rate_low: float
    win_rate_high: float


@dataclass(frozen=True, slots=True)
class Scores:
    """How good one set of probabilities was.

    `brier_skill` is 1 - Brier / Brier of climatology; its interval and t statistic are by session.
    `ece_band` is the 95th percentile of the same figure for a perfectly calibrated model of this size.
    """

    sessions: int
    base_rate: float
    accuracy: float
    brier: float
    brier_skill: float
    brier_skill_interval: tuple[float, float]
    brier_skill_t: float
    log_loss: float
    auc: float
    ece: float
    ece_band: float
    bins: tuple[Bin, ...]

    def as_dict(self, *, with_bins: bool = True) -> dict[str, Any]:
        """Plain values, for JSON."""
        values = asdict(self)
        if not with_bins:
            del values["bins"]
        return values


def score(probability: Floats, climatology: Floats, won: Floats, seed: int = 0) -> Scores:
    """Score probabilities of one multiplier.

    Parameters
    ----------
    probability, climatology : (n,) strictly between 0 and 1, made before `won` was known
    won : (n,) 1.0 or 0.0
    seed : of the bootstrap and the band
    """
    rng = np.random.default_rng(seed)
    ours, reference = (probability - won) ** 2, (climatology - won) ** 2
    bins = reliability_bins(probability, won)
    return Scores(
        sessions=len(won),
        base_rate=float(won.mean()),
        accuracy=float(((probability >= 0.5) == (won == 1.0)).mean()),
        brier=float(ours.mean()),
        brier_skill=float(1 - ours.mean() / reference.mean()),
        brier_skill_interval=skill_interval(ours, reference, rng),
        brier_skill_t=_t_statistic(reference - ours),
        log_loss=log_loss(probability, won),
        auc=auc(probability, won),
        ece=expected_calibration_error(probability, won),
        ece_band=calibration_band(probability, rng),
        bins=bins,
    )


def log_loss(probability: Floats, won: Floats) -> float:
    """Mean negative log likelihood, nats."""
    return float(-np.log(np.where(won == 1.0, probability, 1 - probability)).mean())


def auc(probability: Floats, won: Floats) -> float:
    """Area under the ROC curve, ties half; 0.5 where only one class is there."""
    wins = int(won.sum())
    losses = len(won) - wins
    if not wins or not losses:
        return 0.5
    ranks = average_ranks(probability)
    return float((ranks[won == 1.0].sum() - wins * (wins + 1) / 2) / (wins * losses))


def average_ranks(values: Floats) -> Floats:
    """(n,) ranks from 1, of equal values the mean of the ranks they share."""
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[at])


def expected_calibration_error(probability: Floats, won: Floats, bins: int = BINS) -> float:
    """Mean absolute gap between mean probability and win rate over equal-count bins."""
    order = np.argsort(probability, kind="stable")
    gaps = [abs((probability[chosen] - won[chosen]).sum()) for chosen in np.array_split(order, bins)]
    return float(sum(gaps) / len(won))


def calibration_band(
    probability: Floats, rng: np.random.Generator, bins: int = BINS, sessions: Days | None = None
) -> float:
    """95th percentile of the calibration error, were these probabilities true.

    Parameters
    ----------
    sessions : (n,) where several probabilities share a session, one settlement decides them all, so that the
        more probable wins whenever the less probable does; default: each is a session of its own
    """
    order = np.argsort(probability, kind="stable")
    truth = probability[order]
    draw = np.arange(len(order)) if sessions is None else np.unique(sessions, return_inverse=True)[1][order]
    starts = [chosen[0] for chosen in np.array_split(np.arange(len(truth)), bins) if len(chosen)]
    errors = []
    for _ in range(BAND_SAMPLES // BAND_BATCH):
        won = rng.random((BAND_BATCH, int(draw.max()) + 1))[:, draw] < truth
        errors.append(np.abs(np.add.reduceat(truth - won, starts, axis=1)).sum(axis=1) / len(truth))
    return float(np.quantile(np.concatenate(errors), CONFIDENCE))


def reliability_bins(probability: Floats, won: Floats, bins: int = BINS) -> tuple[Bin, ...]:
    """Equal-count bins, lowest probabilities first."""
    order = np.argsort(probability, kind="stable")
    return tuple(
        Bin(len(chosen), float(probability[chosen].mean()), *_wilson(won[chosen]))
        for chosen in np.array_split(order, bins)
        if len(chosen)
    )


def _wilson(won: Floats) -> tuple[float, float, float]:
    """Win rate and its 95 % Wilson interval (Wilson 1927)."""
    n, rate, z = len(won), float(won.mean()), 1.959964
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return rate, float(centre - half), float(centre + half)


def skill_interval(ours: Floats, reference: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """95 % bootstrap interval of the skill 1 - sum(ours) / sum(reference).

    Parameters
    ----------
    ours, reference : (n,) losses by session, which is what is drawn with replacement
    """
    counts = rng.multinomial(len(ours), np.full(len(ours), 1 / len(ours)), size=BOOTSTRAP_SAMPLES)
    skills = 1 - (counts @ ours) / (counts @ reference)
    low, high = np.quantile(skills, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _t_statistic(gain: Floats) -> float:
    """Mean gain over its standard error."""
    spread = gain.std(ddof=1) if len(gain) > 1 else 0.0
    return float(gain.mean() / (spread / np.sqrt(len(gain)))) if spread > 0 else 0.0
