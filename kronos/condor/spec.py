"""The trade that a model is about: when the condor is entered, when it settles, and how it is managed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

Entry = Literal["open", "close"]
Management = Literal["hold", "touch"]
LabelDefinition = Literal["printed_open", "implied_open"]
"""What a label takes as the price at the open: SPX's own print, or the price that SPY's open implies where it is known.

Rows of different definitions are never mixed. An entry at the close has only one.
"""
SoldAt = Literal["natural", "mid"]
"""At the bid and ask of each leg, or between them."""
NEWEST_LABEL: Final[LabelDefinition] = "implied_open"
DEFAULT_SOLD_AT: Final[SoldAt] = "natural"
SD_MULTIPLIERS: tuple[float, ...] = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
MULTIPLIERS = np.array(SD_MULTIPLIERS)
MULTIPLIERS.flags.writeable = False
DEFAULT_SD_MULTIPLIER = 1.0
DEFAULT_COLUMN = SD_MULTIPLIERS.index(DEFAULT_SD_MULTIPLIER)
"""The column of the default multiplier in arrays that have one column per multiplier."""
LONGEST_DTE_SESSIONS = 252
OUTCOMES = MAX_PROFIT, PUT_BREACHED, CALL_BREACHED, DOUBLE_BREACH = (
    "MAX_PROFIT",
    "PUT_BREACHED",
    "CALL_BREACHED",
    "DOUBLE_BREACH",
)
"""How a condor can end, by the short strikes that were breached."""


@dataclass(frozen=True, slots=True)
class CondorSpec:
    """The trade that a model is about; it travels in the artefact's manifest.

    Attributes
    ----------
    entry : at the session's open or at its close
    dte_sessions : sessions from entry to settlement; 0 settles on the day of entry
    management : hold to settlement, or close when a short strike is touched
    wing_width_points : distance between a short strike and its long strike
    strike_step_points : listed strikes are multiples of this
    label : the definition of the labels' price at the open
    """

    entry: Entry = "open"
    dte_sessions: int = 0
    management: Management = "hold"
    wing_width_points: float = 10.0
    strike_step_points: float = 5.0
    label: LabelDefinition = NEWEST_LABEL

    def __post_init__(self) -> None:
        if self.entry not in get_args(Entry) or self.management not in get_args(Management):
            raise ValueError("entry must be open or close, and management hold or touch")
        if self.label not in get_args(LabelDefinition):
            raise ValueError(f"label must be one of {', '.join(get_args(LabelDefinition))}")
        if type(self.dte_sessions) is not int or self.dte_sessions > LONGEST_DTE_SESSIONS:
            raise ValueError(f"dte_sessions must be a whole number up to {LONGEST_DTE_SESSIONS}")
        if self.dte_sessions < shortest_dte(self.entry):
            raise ValueError("an entry at the close needs dte_sessions of at least 1, one at the open at least 0")
        if not (0 < self.wing_width_points < math.inf and 0 < self.strike_step_points < math.inf):
            raise ValueError("wing width and strike step must be above 0")

    @property
    def horizon_sessions(self) -> int:
        """Number of session closes from entry through settlement."""
        return self.dte_sessions + 1 if self.entry == "open" else self.dte_sessions

    @property
    def first_session_ahead(self) -> int:
        """Sessions from entry to the first bar that can affect the trade: 0 at the open, 1 at the close."""
        return 0 if self.entry == "open" else 1


def shortest_dte(entry: Entry) -> int:
    """Fewest sessions from entry to settlement: an entry at the close has missed its own session's settlement."""
    return 1 if entry == "close" else 0
