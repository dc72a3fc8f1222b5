"""Intervals and quantiles, each defined once, so that two tables never disagree about the same figure."""

from __future__ import annotations

from typing import Final

import numpy as np

from kronos.market.history import Floats

CONFIDENCE: Final = 0.95
TAIL: Final = (1 - CONFIDENCE) / 2
NORMAL_TWO_SIDED: Final = 1.959964
"""95 % of a normal distribution lies within this many standard deviations of the mean."""
NORMAL_ONE_SIDED: Final = 1.644854
"""95 % of a normal distribution lies below the mean plus this many standard deviations."""
BOOTSTRAP_SAMPLES: Final = 1_000


def central(samples: Floats) -> tuple[float, float]:
    """The interval that holds the central 95 % of (s,) samples."""
    low, high = np.quantile(samples, [TAIL, 1 - TAIL])
    return float(low), float(high)


def wilson(wins: float, count: int) -> tuple[float, float]:
    """95 % interval for a win rate (Wilson 1927), 0 to 1."""
    rate, z = wins / count, NORMAL_TWO_SIDED
    centre = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    return float(centre - half), float(centre + half)


def mean_error(values: Floats) -> float:
    """Half the width of the 95 % interval for the mean of (n,) independent values; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    return float(NORMAL_TWO_SIDED * values.std(ddof=1) / np.sqrt(len(values)))


def upper_bound_of_mean(values: Floats) -> float:
    """One-sided 95 % upper bound for the mean of (n,) values, by Student's t; n is at least 2."""
    return float(values.mean() + student_t_one_sided(len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))


def student_t_one_sided(degrees: int) -> float:
    """The 95th percentile of Student's t, to within 0.002 for 10 or more degrees of freedom.

    Two terms of the expansion around the normal quantile (Abramowitz and Stegun 1964, 26.7.5).
    """
    z = NORMAL_ONE_SIDED
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def t_statistic(gain: Floats) -> float:
    """The mean of (n,) gains over its standard error; 0 if they never vary."""
    spread = gain.std(ddof=1) if len(gain) > 1 else 0.0
    return float(gain.mean() / (spread / np.sqrt(len(gain)))) if spread > 0 else 0.0


def bootstrap_counts(count: int, rng: np.random.Generator) -> Floats:
    """(samples, count) how often each session is drawn in each bootstrap sample."""
    return rng.multinomial(count, np.full(count, 1 / count), size=BOOTSTRAP_SAMPLES).astype(np.float64)


def skill_interval(ours: Floats, reference: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """95 % bootstrap interval for the skill 1 - sum(ours) / sum(reference).

    Parameters
    ----------
    ours, reference : (n,) losses by session; sessions are drawn with replacement
    """
    counts = bootstrap_counts(len(ours), rng)
    return central(1 - (counts @ ours) / (counts @ reference))
