"""What trading costs and how much is dared: the part of a backtest's spec that is about money."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

DOLLARS_PER_POINT = 100.0
SPREADS = 2
LEGS = 4


@dataclass(frozen=True, slots=True)
class Terms:
    """Costs and limits of an account; a limit of 0 means 0.

    Attributes
    ----------
    slippage_points : given up on each spread traded at a modelled or a mid price, 0.15 to a spread
    commission_dollars : for each leg and contract that is traded; legs that expire pay none
    minimum_credit_points : a condor whose credit after slippage is lower is not sold
    risk_pct : share of the settled equity that one condor's worst loss may take, 0 to 100
    max_contracts : of one condor; None is no cap
    equity_dollars : at the start

    Raises
    ------
    ValueError
        Where a value is not finite or out of its range.
    """

    slippage_points: float = 0.15
    commission_dollars: float = 0.65
    minimum_credit_points: float = 0.0
    risk_pct: float = 10.0
    max_contracts: int | None = None
    equity_dollars: float = 100_000.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{field.name} must be 0 or more, not {value}")
        if self.risk_pct > 100:
            raise ValueError(f"risk_pct must be at most 100, not {self.risk_pct}")

    @property
    def trade_commission_dollars(self) -> float:
        """For all legs of one contract, once."""
        return LEGS * self.commission_dollars

    @property
    def trade_slippage_points(self) -> float:
        """For both spreads, once."""
        return SPREADS * self.slippage_points
