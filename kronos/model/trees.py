"""Boosted trees as flat arrays, and how they refine the log-odds of a logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kronos.market.history import Floats

Integers = npt.NDArray[np.int32]


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

    def each(self, columns: Floats) -> Floats:
        """(n, t) log-odds that each tree gives (n, c) columns."""
        node = np.broadcast_to(self.roots, (len(columns), len(self.roots)))
        rows = np.arange(len(columns))[:, None]
        for _ in range(self.depth):
            goes_left = columns[rows, self.column[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return np.asarray(self.value[node])

    def sum(self, columns: Floats) -> Floats:
        """(n,) log-odds of (n, c) columns."""
        total: Floats = self.each(columns).sum(axis=1)
        return self.baseline + total

    def first(self, count: int) -> Trees:
        """The first trees alone."""
        stop = int(self.roots[count]) if count < len(self.roots) else len(self.value)
        return Trees(
            self.baseline,
            self.roots[:count],
            self.column[:stop],
            self.threshold[:stop],
            self.left[:stop],
            self.right[:stop],
            self.value[:stop],
            self.depth if count else 0,
        )


class Boosting(Protocol):
    """Trees on top of a logistic regression."""

    @property
    def trees(self) -> Trees:
        """Their arrays."""
        ...

    @property
    def more_columns(self) -> int:
        """How many columns they see beside the logistic regression's."""
        ...

    def refine(self, standardised: Floats, log_odds: Floats, multipliers: Floats) -> Floats:
        """(n, k) log-odds from (n, c) standardised columns and the logistic regression's (n, k) log-odds."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SessionTrees:
    """Trees that shift a session's whole curve, so that it stays monotone whatever they do."""

    trees: Trees
    more_columns = 0

    def refine(self, standardised: Floats, log_odds: Floats, multipliers: Floats) -> Floats:
        """See `Boosting`."""
        return np.asarray(log_odds + self.trees.sum(standardised)[:, None])


@dataclass(frozen=True, slots=True, eq=False)
class StackedTrees:
    """Trees of artefacts of formats 1 and 2, which see each multiplier and its log-odds as two more columns."""

    trees: Trees
    more_columns = 2

    def refine(self, standardised: Floats, log_odds: Floats, multipliers: Floats) -> Floats:
        """See `Boosting`."""
        repeated = np.repeat(standardised, len(multipliers), axis=0)
        columns = np.column_stack([repeated, np.tile(multipliers, len(standardised)), log_odds.ravel()])
        return self.trees.sum(columns).reshape(log_odds.shape)


NO_TREES = Trees(
    baseline=0.0,
    roots=np.empty(0, dtype=np.int32),
    column=np.empty(0, dtype=np.int32),
    threshold=np.empty(0),
    left=np.empty(0, dtype=np.int32),
    right=np.empty(0, dtype=np.int32),
    value=np.empty(0),
    depth=0,
)
"""No trees at all: what is refined stays as it is."""
