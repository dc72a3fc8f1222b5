"""One variant's probability curve over the multipliers, evaluated with NumPy alone.

It consists of a logistic regression, boosted trees that see its log-odds, a calibrator, and a projection that keeps
the curve from decreasing. All of it is stored as flat arrays, as in the artefact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kronos.features.registry import Feature
from kronos.features.variants import Variant
from kronos.market.history import Floats
from kronos.model.log_odds import expit

Integers = npt.NDArray[np.int32]
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
class Trees:
    """Boosted trees as flat arrays of nodes. A leaf is its own child, so that walking down may overshoot.

    Attributes
    ----------
    baseline : log-odds before the first tree
    roots : (t,) root node of each tree
    column : (nodes,) column tested at the node
    threshold : (nodes,) go left if the column is at most this
    left, right : (nodes,) children
    value : (nodes,) log-odds of a leaf; 0 elsewhere
    depth : number of steps after which every path has reached a leaf
    """

    baseline: float
    roots: Integers
    column: Integers
    threshold: Floats
    left: Integers
    right: Integers
    value: Floats
    depth: int

    def sum(self, columns: Floats) -> Floats:
        """(n,) log-odds of (n, c) columns."""
        node = np.broadcast_to(self.roots, (len(columns), len(self.roots)))
        rows = np.arange(len(columns))[:, None]
        for _ in range(self.depth):
            goes_left = columns[rows, self.column[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        total: Floats = self.value[node].sum(axis=1)
        return self.baseline + total


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
    trees: Trees
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
        design = design_matrix(self.variant.features, features)
        columns = tree_columns(self.logistic, design, self.multipliers, at)
        return self.trees.sum(columns).reshape(len(features), -1)

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


def tree_columns(logistic: Logistic, design: Floats, multipliers: Floats, at: slice = EVERY) -> Floats:
    """What the trees see, session by session: standardised columns, the multiplier, and the logistic's log-odds.

    Parameters
    ----------
    design : (n, c)
    multipliers : (k,)
    at : which of the multipliers

    Returns
    -------
    (n x chosen multipliers, c + 2)
    """
    standardised = logistic.standardised(design)
    chosen, log_odds = multipliers[at], logistic.log_odds(standardised)[:, at]
    repeated = np.repeat(standardised, len(chosen), axis=0)
    return np.column_stack([repeated, np.tile(chosen, len(design)), log_odds.ravel()])


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
