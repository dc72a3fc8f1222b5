"""Split a Brier score into miscalibration, discrimination and uncertainty (Dimitriadis, Gneiting and Jordan 2021)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kronos.market.history import Floats


class Decomposition(NamedTuple):
    """Brier score = miscalibration - discrimination + uncertainty.

    Attributes
    ----------
    miscalibration : what the best increasing recalibration would gain; 0 for a calibrated forecast
    discrimination : what the recalibrated forecast gains over the sample's win rate
    uncertainty : the Brier score of the sample's win rate
    """

    miscalibration: float
    discrimination: float
    uncertainty: float


def decompose(probability: Floats, won: Floats) -> Decomposition:
    """Decompose the Brier score of (n,) probabilities."""
    recalibrated = isotonic(probability, won)
    brier = float(((probability - won) ** 2).mean())
    at_best = float(((recalibrated - won) ** 2).mean())
    uncertainty = float(won.mean() * (1 - won.mean()))
    return Decomposition(brier - at_best, uncertainty - at_best, uncertainty)


def isotonic(values: Floats, targets: Floats) -> Floats:
    """(n,) the least-squares fit to targets that never decreases in (n,) values; equal values get equal fits.

    Pooling of adjacent violators (Ayer et al. 1955).
    """
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    sums = np.bincount(at, targets)
    blocks: list[tuple[float, int, int]] = []
    for newest in zip(sums.tolist(), counts.tolist(), [1] * len(counts), strict=True):
        blocks.append(newest)
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            above, below = blocks.pop(), blocks.pop()
            blocks.append((below[0] + above[0], below[1] + above[1], below[2] + above[2]))
    fitted = np.repeat([total / count for total, count, _ in blocks], [size for _, _, size in blocks])
    return np.asarray(fitted[at])
