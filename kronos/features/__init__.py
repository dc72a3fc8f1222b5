"""The features: each is declared once, and training rows and live answers come from the same code.

Every feature is a function of what is known at entry on session D. The last session whose close is known is the one
before D for an entry at the open, and D itself for an entry at the close.

To add a feature, declare it in the module it belongs to. New models will use it, and models trained earlier keep
serving. To change what a feature means, declare it with the next revision, and move the old declaration to `retired/`
with `variants=()`.
"""

from kronos.features import calendar, implied, realised, returns, term, win_rate
from kronos.features.retired import RETIRED

__all__ = ["DECLARED_IN"]

DECLARED_IN = (calendar, implied, realised, returns, term, win_rate, *RETIRED)
"""Importing these modules fills the registry."""
