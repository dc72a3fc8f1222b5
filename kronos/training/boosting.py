"""Gradient boosting of small trees that each shift a session's whole curve.

The gradient of a session's log loss is summed over its multipliers (Friedman 2001, with Newton steps), so the curve
stays monotone whatever a tree does, and there is one row per session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from kronos.market.history import Floats
from kronos.model.log_odds import expit
from kronos.model.trees import NO_TREES, Trees


@dataclass(frozen=True, slots=True)
class BoostingRecipe:
    """How the trees are grown.

    Attributes
    ----------
    rounds : the numbers of trees that a variant may choose from, ascending from 0
    learning_rate : share of each Newton step that is taken
    depth : of a tree
    min_sessions_in_leaf : in a tree's leaf
    l2 : penalty of a leaf's squared shift, in sessions
    columns_share : of the columns that each split is chosen from
    """

    rounds: tuple[int, ...] = (0, 10, 25)
    learning_rate: float = 0.1
    depth: int = 2
    min_sessions_in_leaf: int = 250
    l2: float = 20.0
    columns_share: float = 0.3


def fit_session_trees(
    columns: Floats, log_odds: Floats, labels: Floats, weights: Floats, recipe: BoostingRecipe, seed: int
) -> Trees:
    """Boost from the log-odds of the start, for as many rounds as the recipe allows.

    Parameters
    ----------
    columns : (n, c) standardised
    log_odds : (n, multipliers) of the start
    labels : (n, multipliers), NaN where unknown
    weights : (n,) of the sessions
    """
    share = np.where(np.isnan(labels), 0.0, (weights / labels.shape[1])[:, None])
    won, shifted = np.nan_to_num(labels), log_odds
    narrow = columns.astype(np.float32)
    grown: list[Trees] = []
    for round_number in range(recipe.rounds[-1]):
        probability = expit(shifted)
        gradient = (share * (won - probability)).sum(axis=1)
        curvature = (share * probability * (1 - probability)).sum(axis=1)
        tree = DecisionTreeRegressor(
            max_depth=recipe.depth,
            min_samples_leaf=min(recipe.min_sessions_in_leaf, max(len(columns) // 4, 1)),
            max_features=recipe.columns_share,
            random_state=seed + round_number,
        )
        step = np.divide(gradient, curvature, out=np.zeros_like(gradient), where=curvature > 0)
        tree.fit(narrow, step, sample_weight=curvature)
        leaf = tree.apply(narrow)
        size = tree.tree_.node_count
        shift = np.bincount(leaf, gradient, size) / (np.bincount(leaf, curvature, size) + recipe.l2)
        grown.append(_flat(tree, recipe.learning_rate * shift))
        shifted = shifted + recipe.learning_rate * shift[leaf][:, None]
    return _joined(grown)


def _flat(tree: DecisionTreeRegressor, value: Floats) -> Trees:
    """One fitted tree with other leaf values, as flat arrays."""
    nodes = tree.tree_
    own, leaf = np.arange(nodes.node_count), nodes.children_left < 0
    return Trees(
        baseline=0.0,
        roots=np.zeros(1, dtype=np.int32),
        column=np.where(leaf, 0, nodes.feature).astype(np.int32),
        threshold=np.where(leaf, 0.0, nodes.threshold),
        left=np.where(leaf, own, nodes.children_left).astype(np.int32),
        right=np.where(leaf, own, nodes.children_right).astype(np.int32),
        value=np.where(leaf, value, 0.0),
        depth=int(nodes.max_depth),
    )


def _joined(trees: Sequence[Trees]) -> Trees:
    """Several trees as one set of arrays."""
    if not trees:
        return NO_TREES
    sizes = [len(tree.value) for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    offset = np.repeat(roots, sizes)
    return Trees(
        baseline=0.0,
        roots=roots.astype(np.int32),
        column=np.concatenate([tree.column for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        left=(np.concatenate([tree.left for tree in trees]) + offset).astype(np.int32),
        right=(np.concatenate([tree.right for tree in trees]) + offset).astype(np.int32),
        value=np.concatenate([tree.value for tree in trees]),
        depth=max(tree.depth for tree in trees),
    )
