"""A recipe for what does not hang on the best model: few trees, few folds, and skill all the same."""

from __future__ import annotations

from kronos.training.boosting import BoostingRecipe
from kronos.training.recipe import Recipe
from kronos.training.walk_forward import WalkForward

QUICK = Recipe(boosting=BoostingRecipe(rounds=(0, 5)), walk_forward=WalkForward(252, 250))
