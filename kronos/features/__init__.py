"""The features: each declared once, and the same code for training rows and for live answers.

Every feature is a function of what is known at entry on session D. The last session whose close is known then is the
session before D for an entry at the open, and D itself for an entry at the close.

To add one, declare it in the module it belongs to: new models have it, and those trained before go on serving. To
change what one means, declare it with the next revision and move the old one to `retired/`, with `variant=None`.
"""

from kronos.features import calendar, implied, realised, returns, win_rate
from kronos.features.retired import RETIRED

__all__ = ["DECLARED_IN"]

DECLARED_IN = (calendar, implied, realised, returns, win_rate, *RETIRED)
"""The modules whose import fills the registry."""
