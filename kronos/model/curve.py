"""One variant's probability curve over the multipliers, evaluated with NumPy alone.

It consists of a logistic regression, boosted trees that refine its log-odds, a calibrator, and a projection that keeps
the curve from decreasing. All of it is stored as flat arrays, as in the artefact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kronos.features.registry import Feature
from kronos.features.variants import Variant
from kronos.market.history import Floats
from kronos.model.log_odds import expit
from kronos.model.trees import Boosting

EVERY = slice(None)


def design_matrix(features: Sequence[Feature], values: Floats) -> Floats:
    """The model's columns: the encoded features, side by side.

    Parameters
    ----------
    values : (n, len(features))

    Returns
    -------
    (n, columns of all features)
    """
    return np.column_stack([feature.encoded(values[:, at]) for at, feature in enumerate(features)])


@dataclass(frozen=True, slots=True, eq=False)
class Logistic:
    """Logistic regression on standardised, clipped columns, with one intercept per multiplier.

    Attributes
    ----------
    mean, scale, slope : (c,) of the design columns
    intercept : (k,) log-odds at the mean, one per multiplier
    clip : columns are clipped at this many standard deviations
    """

    mean: Floats
    scale: Floats
    slope: Floats
    intercept: Floats
    clip: float

    def standardised(self, design: Floats) -> Floats:
        """(n, c) columns in standard deviations from their means, clipped."""
        return np.clip((design - self.mean) / self.scale, -self.clip, self.clip)

    def log_odds(self, standardised: Floats) -> Floats:
        """(n, k) log-odds of standardised columns, for each of k multipliers."""
        return (standardised @ self.slope)[:, None] + self.intercept


@dataclass(frozen=True, slots=True, eq=False)
class PiecewiseLinearCalibrator:
    """The calibrator: maps raw log-odds to calibrated ones, linear between knots and constant beyond.

    Attributes
    ----------
    raw, calibrated : (k,) knots, both ascending
    """

    raw: Floats
    calibrated: Floats

    def probability(self, log_odds: Floats) -> Floats:
        """Calibrated probabilities, never 0 or 1, in the argument's shape."""
        return expit(np.interp(log_odds, self.raw, self.calibrated))


@dataclass(frozen=True, slots=True, eq=False)
class CurveModel:
    """One variant: from its features to a calibrated curve that never decreases.

    Attributes
    ----------
    multipliers : (k,) ascending; the points of the curve
    """

    variant: Variant
    multipliers: Floats
    logistic: Logistic
    boosting: Boosting
    calibrator: PiecewiseLinearCalibrator

    def log_odds(self, features: Floats, at: slice = EVERY) -> Floats:
        """Log-odds before calibration.

        Parameters
        ----------
        features : (n, features of the variant)
        at : which multipliers

        Returns
        -------
        (n, chosen multipliers)
        """
        standardised = self.logistic.standardised(design_matrix(self.variant.features, features))
        log_odds = self.logistic.log_odds(standardised)[:, at]
        return self.boosting.refine(standardised, log_odds, self.multipliers[at])

    def logistic_log_odds(self, features: Floats) -> Floats:
        """(n, k) log-odds of the logistic regression alone."""
        design = design_matrix(self.variant.features, features)
        return self.logistic.log_odds(self.logistic.standardised(design))

    def curve(self, features: Floats) -> Floats:
        """(n, k) calibrated probabilities, never decreasing along the multipliers."""
        return self.calibrated(self.log_odds(features))

    def calibrated(self, log_odds: Floats) -> Floats:
        """(n, k) probabilities of log-odds before calibration, never decreasing along the multipliers."""
        return never_decreasing(self.calibrator.probability(log_odds))


def never_decreasing(curves: Floats) -> Floats:
    """The least-squares closest curves that never decrease, for each row of (n, m).

    This is isotonic regression by the max-min formula: the value at k is the maximum over i <= k of the minimum over
    j >= k of mean(i..j) (Barlow et al. 1972). Unlike pooling adjacent violators, it needs no loop over the rows.
    """
    if not (np.diff(curves, axis=1) < 0).any():
        return curves
    width = curves.shape[1]
    sums = np.concatenate([np.zeros((len(curves), 1)), np.cumsum(curves, axis=1)], axis=1)
    projected = np.full_like(curves, -np.inf)
    for first in range(width):
        lengths = np.arange(1, width - first + 1)
        means = (sums[:, first + 1 :] - sums[:, [first]]) / lengths
        lowest = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        projected[:, first:] = np.maximum(projected[:, first:], lowest)
    return projected
