"""Intervals and quantiles, each defined once, so that two tables never disagree about the same figure.

Sessions follow one another, and gains of one model over another persist. So standard errors are those of Newey and West
(1987), and bootstrap samples are made of blocks of a month (Künsch 1989).
"""

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
BLOCK_SESSIONS: Final = 21
BLOCKS_AT_LEAST: Final = 4
"""Shorter samples are cut into shorter blocks, so that there are always a few."""
VALUES_PER_LAG: Final = 12


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


def standard_error(values: Floats) -> float:
    """Of the mean of (n,) values that follow one another; 0 for a single value.

    Newey and West (1987), with Bartlett weights over a month; over less for fewer than a year's values.
    """
    count = len(values)
    if count < 2:
        return 0.0
    deviations = values - values.mean()
    lags = min(BLOCK_SESSIONS, count // VALUES_PER_LAG)
    variance = float(deviations @ deviations)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(deviations[lag:] @ deviations[:-lag])
    return float(np.sqrt(max(variance, 0.0) / (count - 1) / count))


def mean_error(values: Floats) -> float:
    """Half the width of the 95 % interval for the mean of (n,) values that follow one another."""
    return NORMAL_TWO_SIDED * standard_error(values)


def upper_bound_of_mean(values: Floats) -> float:
    """One-sided 95 % upper bound for the mean of (n,) values that follow one another, by Student's t; n at least 2."""
    return float(values.mean() + student_t_one_sided(len(values) - 1) * standard_error(values))


def student_t_one_sided(degrees: int) -> float:
    """The 95th percentile of Student's t, to within 0.002 for 10 or more degrees of freedom.

    Two terms of the expansion around the normal quantile (Abramowitz and Stegun 1964, 26.7.5).
    """
    z = NORMAL_ONE_SIDED
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def t_statistic(gain: Floats) -> float:
    """The mean of (n,) gains that follow one another over its standard error; 0 if they never vary."""
    error = standard_error(gain)
    return float(gain.mean() / error) if error > 0 else 0.0


def bootstrap_counts(count: int, rng: np.random.Generator) -> Floats:
    """(samples, count) how often each session is drawn in each sample of a moving-block bootstrap."""
    block = max(min(BLOCK_SESSIONS, count // BLOCKS_AT_LEAST), 1)
    starts = rng.integers(0, count - block + 1, size=(BOOTSTRAP_SAMPLES, -(-count // block)))
    edges = np.zeros((BOOTSTRAP_SAMPLES, count + 1))
    rows = np.arange(BOOTSTRAP_SAMPLES)[:, None]
    np.add.at(edges, (rows, starts), 1)
    np.add.at(edges, (rows, starts + block), -1)
    return np.asarray(np.cumsum(edges[:, :-1], axis=1))


def skill_interval(ours: Floats, reference: Floats, rng: np.random.Generator) -> tuple[float, float]:
    """95 % block-bootstrap interval for the skill 1 - sum(ours) / sum(reference).

    Parameters
    ----------
    ours, reference : (n,) losses by session, in time order
    """
    counts = bootstrap_counts(len(ours), rng)
    return central(1 - (counts @ ours) / (counts @ reference))
