"""Calibration: reliability bins, the expected calibration error, and its size by chance alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kronos.market.history import Floats
from kronos.market.sessions import Days
from kronos.statistics.intervals import CONFIDENCE, wilson

BINS = 10
BAND_SAMPLES = 1_000
BAND_BATCH = 100


@dataclass(frozen=True, slots=True)
class Bin:
    """One equal-count bin of a reliability diagram, with a Wilson interval for its win rate."""

    count: int
    mean_probability: float
    win_rate: float
    win_rate_low: float
    win_rate_high: float


def reliability_bins(probability: Floats, won: Floats, bins: int = BINS) -> tuple[Bin, ...]:
    """Equal-count bins, lowest probabilities first."""
    order = np.argsort(probability, kind="stable")
    return tuple(
        Bin(
            len(chosen),
            float(probability[chosen].mean()),
            float(won[chosen].mean()),
            *wilson(float(won[chosen].sum()), len(chosen)),
        )
        for chosen in np.array_split(order, bins)
        if len(chosen)
    )


def expected_calibration_error(probability: Floats, won: Floats, bins: int = BINS) -> float:
    """Mean absolute difference between mean probability and win rate over equal-count bins."""
    order = np.argsort(probability, kind="stable")
    gaps = [abs((probability[chosen] - won[chosen]).sum()) for chosen in np.array_split(order, bins)]
    return float(sum(gaps) / len(won))


def joint_bands(curves: Floats, rng: np.random.Generator, bins: int = BINS) -> Floats:
    """(m,) bounds that the calibration errors at all m multipliers stay within in 95 % of samples, if curves are true.

    Each multiplier's own band is scaled by one factor. One uniform variate decides all labels of a session, as one
    settlement does.

    Parameters
    ----------
    curves : (n, m) probabilities that never decrease along the multipliers
    """
    orders = np.argsort(curves, axis=0, kind="stable")
    starts = [chosen[0] for chosen in np.array_split(np.arange(len(curves)), bins) if len(chosen)]
    errors = np.empty((BAND_SAMPLES, curves.shape[1]))
    for batch in range(0, BAND_SAMPLES, BAND_BATCH):
        draws = rng.random((BAND_BATCH, len(curves)))
        for at, order in enumerate(orders.T):
            truth = curves[order, at]
            gaps = np.add.reduceat(truth - (draws[:, order] < truth), starts, axis=1)
            errors[batch : batch + BAND_BATCH, at] = np.abs(gaps).sum(axis=1) / len(curves)
    own = np.quantile(errors, CONFIDENCE, axis=0)
    return np.asarray(own * np.quantile((errors / own).max(axis=1), CONFIDENCE))


def calibration_band(
    probability: Floats, rng: np.random.Generator, bins: int = BINS, sessions: Days | None = None
) -> float:
    """95th percentile of the calibration error if these probabilities were true.

    Parameters
    ----------
    sessions : (n,) the session of each probability. One settlement decides all probabilities of a session, so the
        more probable one wins whenever the less probable one does. Default: each has a session of its own.
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
