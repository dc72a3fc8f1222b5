"""Trading costs, and the limits of an account."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Final

DOLLARS_PER_POINT = 100.0
SPREADS = 2
SURVIVABLE_RISK_PCT: Final = 2.0
"""Selling every session at this risk lost less than a third in 95 of 100 resampled years (decision 0017)."""
LEGS = 4


@dataclass(frozen=True, slots=True)
class Costs:
    """What is lost between the quoted price and the account.

    Attributes
    ----------
    slippage_points : lost on each spread that is traded at a modelled or mid price
    commission_dollars : per leg and contract traded; legs that expire cost nothing
    minimum_credit_points : a condor whose credit after slippage is lower is not sold

    Raises
    ------
    ValueError
        If a value is negative or not finite.
    """

    slippage_points: float = 0.15
    commission_dollars: float = 0.65
    minimum_credit_points: float = 0.0

    def __post_init__(self) -> None:
        _require_finite_amounts(self)

    @property
    def trade_commission_dollars(self) -> float:
        """Commission on one contract's four legs, traded once."""
        return LEGS * self.commission_dollars

    @property
    def trade_slippage_points(self) -> float:
        """Slippage on both spreads, traded once."""
        return SPREADS * self.slippage_points


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What an account starts with and may risk. A limit of 0 means 0, not "no limit".

    Attributes
    ----------
    equity_dollars : at the start
    risk_pct : largest share of the settled equity that one trade may lose, 0 to 100
    max_contracts : per condor; None for no limit

    Raises
    ------
    ValueError
        If a value is not finite or out of range.
    """

    equity_dollars: float = 100_000.0
    risk_pct: float = SURVIVABLE_RISK_PCT
    max_contracts: int | None = None

    def __post_init__(self) -> None:
        _require_finite_amounts(self)
        if self.risk_pct > 100:
            raise ValueError(f"risk_pct must be at most 100, not {self.risk_pct}")


def _require_finite_amounts(amounts: Costs | AccountLimits) -> None:
    for field in fields(amounts):
        value = getattr(amounts, field.name)
        if value is not None and not 0 <= value < math.inf:
            raise ValueError(f"{field.name} must be 0 or more, not {value}")


DEFAULT_COSTS: Final = Costs()
DEFAULT_LIMITS: Final = AccountLimits()
