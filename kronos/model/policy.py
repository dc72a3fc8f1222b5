"""From a probability to a decision. The probability itself is never changed."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from enum import StrEnum

import numpy as np

from kronos.condor.spec import SD_MULTIPLIERS
from kronos.market.history import Floats
from kronos.model.prediction import Prediction


class TradeAction(StrEnum):
    """What to do with today's trade."""

    TRADE_FULL = "TRADE_FULL"
    TRADE_REDUCED = "TRADE_REDUCED"
    SKIP_TODAY = "SKIP_TODAY"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, the share of equity to risk in %, and the SD multiplier to trade at."""

    advice: TradeAction
    suggested_risk_pct: float
    suggested_sd_multiplier: float


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds relative to the base rate at the multiplier asked for, since every multiplier has its own base rate.

    Attributes
    ----------
    skip_below_base : `SKIP_TODAY` below the base rate minus this
    full_within_base : `TRADE_FULL` from the base rate minus this
    reduced_risk_low_pct, reduced_risk_high_pct : risk at these two thresholds, linear in between, in % of equity
    full_risk_pct : risk of a full trade, in % of equity
    risk_cap_pct : no suggestion exceeds this
    lowest_sd_multiplier, highest_sd_multiplier : range of multipliers that may be suggested
    target_probability : for the suggested multiplier; None for the base rate at the multiplier asked for
    """

    skip_below_base: float = 0.10
    full_within_base: float = 0.02
    reduced_risk_low_pct: float = 3.0
    reduced_risk_high_pct: float = 8.0
    full_risk_pct: float = 10.0
    risk_cap_pct: float = 10.0
    lowest_sd_multiplier: float = 0.8
    highest_sd_multiplier: float = 1.5
    target_probability: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in astuple(self) if value is not None]
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in given):
            raise ValueError("every value of a policy must be a finite number")
        if not self.full_within_base < self.skip_below_base:
            raise ValueError("full_within_base must be smaller than skip_below_base")
        risks = (self.reduced_risk_low_pct, self.reduced_risk_high_pct, self.full_risk_pct, self.risk_cap_pct)
        if not all(0 <= risk <= 100 for risk in risks) or not risks[0] <= risks[1] <= risks[2]:
            raise ValueError("risks must lie between 0 and 100 %, and must not fall from reduced to full")
        if not any(self.lowest_sd_multiplier <= m <= self.highest_sd_multiplier for m in SD_MULTIPLIERS):
            raise ValueError("no multiplier of the grid lies between lowest and highest_sd_multiplier")

    def decide(self, prediction: Prediction, *, may_trade_full: bool = True) -> Decision:
        """Decide on one entry.

        Parameters
        ----------
        may_trade_full : False caps the advice at `TRADE_REDUCED`
        """
        probability, base_rate = prediction.probability, prediction.base_rate
        skip_below, full_from = base_rate - self.skip_below_base, base_rate - self.full_within_base
        if probability < skip_below:
            advice, risk = TradeAction.SKIP_TODAY, 0.0
        elif probability >= full_from and may_trade_full:
            advice, risk = TradeAction.TRADE_FULL, self.full_risk_pct
        else:
            share = min((probability - skip_below) / (full_from - skip_below), 1.0)
            rise = share * (self.reduced_risk_high_pct - self.reduced_risk_low_pct)
            advice, risk = TradeAction.TRADE_REDUCED, self.reduced_risk_low_pct + rise
        target = base_rate if self.target_probability is None else self.target_probability
        return Decision(
            advice, min(risk, self.risk_cap_pct), self._reaching(target, prediction.multipliers, prediction.curve)
        )

    def _reaching(self, target: float, multipliers: Floats, curve: Floats) -> float:
        """The smallest allowed multiplier whose probability reaches the target, or the largest if none does."""
        allowed = (multipliers >= self.lowest_sd_multiplier) & (multipliers <= self.highest_sd_multiplier)
        reached = np.flatnonzero(allowed & (curve >= target))
        return float(multipliers[reached[0] if len(reached) else np.flatnonzero(allowed)[-1]])
