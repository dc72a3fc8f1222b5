"""A recipe for what does not hang on the best model: few trees that learn fast, few folds, and skill all the same."""

from __future__ import annotations

from kronos.training.recipe import Recipe
from kronos.training.walk_forward import WalkForward

QUICK = Recipe(boosting_rounds=25, learning_rate=0.2, walk_forward=WalkForward(252, 250))
