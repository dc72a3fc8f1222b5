"""From a probability to a decision and a size. The probability itself is never changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, Literal, get_args

from kronos.condor.costs import DEFAULT_COSTS, DEFAULT_LIMITS, DOLLARS_PER_POINT, LEGS
from kronos.model.prediction import Prediction

Reference = Literal["recent", "base"]
DEFAULT_BOT_RISK_PCT: Final = 10.0
"""The guide's risk per trade, where a bot does not say its own."""
IMPLAUSIBLE_RATIO: Final = 3.0
IMPLAUSIBLE_POINTS: Final = 0.5
"""A credit above this many times the fair one, and this much over it, is a slip, or knows what the model does not."""
FIRST_POLICY: Final[Mapping[str, float]] = {
    "skip_below_base": 0.10,
    "full_within_base": 0.02,
    "reduced_risk_low_pct": 3.0,
    "reduced_risk_high_pct": 8.0,
    "full_risk_pct": 10.0,
    "risk_cap_pct": 10.0,
}
"""The values that policies of the first kind leave out."""
FIRST_POLICY_UNUSED: Final = ("lowest_sd_multiplier", "highest_sd_multiplier", "target_probability")


class TradeAction(StrEnum):
    """What to do with today's trade."""

    TRADE_FULL = "TRADE_FULL"
    TRADE_REDUCED = "TRADE_REDUCED"
    SKIP_TODAY = "SKIP_TODAY"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do.

    Attributes
    ----------
    risk_fraction : of the largest share of equity that the bot lets one trade risk, 0 to 1
    suggested_risk_pct : that share, in % of equity
    """

    advice: TradeAction
    risk_fraction: float
    suggested_risk_pct: float


@dataclass(frozen=True, slots=True)
class QuotedCondor:
    """What a quoted credit is worth, in index points.

    Attributes
    ----------
    credit : what the bot expects to receive
    fair_credit : the mean payout by the curve
    mean_payout : the same, drawn towards the quote's own
    expected_pnl : after fees
    """

    credit: float
    fair_credit: float
    mean_payout: float
    expected_pnl: float

    @property
    def edge(self) -> float:
        """The credit over the fair one, before fees."""
        return self.credit - self.fair_credit

    @property
    def is_implausible(self) -> bool:
        """Whether the credit is too good to be believed."""
        return self.credit > IMPLAUSIBLE_RATIO * self.fair_credit and self.edge > IMPLAUSIBLE_POINTS

    @property
    def kelly_pct(self) -> float:
        """Kelly's share of equity in %, from below; 0 without an expected profit.

        Expected profit over variance, per unit at risk (Kelly 1956). A payout of at most the wing W has a variance of
        at most W times its mean, and W is at risk; so the share is at least expected profit over mean payout.
        """
        return 100 * max(self.expected_pnl, 0.0) / self.mean_payout if self.mean_payout > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Margins below a reference rate, and the size of a full trade.

    Attributes
    ----------
    skip_below : `SKIP_TODAY` below the reference rate minus this
    full_within : `TRADE_FULL` from the reference rate minus this; where it equals `skip_below`, nothing is reduced
    relative_to : the win rate of the last 252 sessions, or that of the training window
    reduced_low, reduced_high : fractions of a full trade's risk at these two thresholds, linear in between; the latter
        also where a full trade is not allowed
    risk_cap_pct : no suggestion exceeds this, in % of equity; 0 where no size survives, and every session is skipped
    quote_weight : how far the mean payout is drawn towards a quoted credit, 0 to 1
    commission_dollars : per leg and contract, which a quoted credit has to pay
    """

    skip_below: float = 0.05
    full_within: float = 0.05
    relative_to: Reference = "recent"
    reduced_low: float = 0.5
    reduced_high: float = 0.5
    risk_cap_pct: float = DEFAULT_LIMITS.risk_pct
    quote_weight: float = 0.5
    commission_dollars: float = DEFAULT_COSTS.commission_dollars

    def __post_init__(self) -> None:
        if self.relative_to not in get_args(Reference):
            raise ValueError("relative_to must be recent or base")
        given = [getattr(self, field.name) for field in fields(self) if field.name != "relative_to"]
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in given):
            raise ValueError("every value of a policy must be a finite number")
        if min(self.reduced_low, self.risk_cap_pct, self.quote_weight, self.commission_dollars) < 0:
            raise ValueError("only the margins of a policy may be below 0")
        if self.full_within > self.skip_below:
            raise ValueError("full_within must not exceed skip_below")
        if not self.reduced_low <= self.reduced_high <= 1 or self.quote_weight > 1 or self.risk_cap_pct > 100:
            raise ValueError("reduced_low must not exceed reduced_high, and no fraction 1, nor the risk 100 %")

    @classmethod
    def read(cls, stated: Mapping[str, Any]) -> Policy:
        """A policy of this or of the first kind. The size of one of the first kind is capped at the default.

        Where only `skip_below` is stated, nothing is reduced.

        Those of the first kind stand relative to the training window. They also suggested multipliers, which no policy
        does now.

        Raises
        ------
        TypeError, ValueError
            If a name is unknown, or a value out of range.
        """
        if "skip_below" in stated and "full_within" not in stated:
            stated = {**stated, "full_within": stated["skip_below"]}
        if not stated.keys() & (FIRST_POLICY.keys() - {"risk_cap_pct"} | set(FIRST_POLICY_UNUSED)):
            return cls(**stated)
        unknown = stated.keys() - FIRST_POLICY.keys() - set(FIRST_POLICY_UNUSED)
        if unknown:
            raise TypeError(f"a policy has no {', '.join(sorted(unknown))}")
        old = {**FIRST_POLICY, **{name: float(value) for name, value in stated.items() if name in FIRST_POLICY}}
        full = old["full_risk_pct"]
        low, high = (old[f"reduced_risk_{end}_pct"] / full if full else 0.0 for end in ("low", "high"))
        return cls(
            skip_below=old["skip_below_base"],
            full_within=old["full_within_base"],
            relative_to="base",
            reduced_low=low,
            reduced_high=high,
            risk_cap_pct=min(full, old["risk_cap_pct"], DEFAULT_LIMITS.risk_pct),
        )

    @property
    def fees_points(self) -> float:
        """Commission on a condor's four legs, in index points."""
        return LEGS * self.commission_dollars / DOLLARS_PER_POINT

    def value(self, credit: float, fair_credit: float) -> QuotedCondor:
        """What a quoted credit is worth.

        The market knows what daily bars do not, so the mean payout is drawn towards the quote's own, the credit itself;
        the winner's curse would do the rest.

        Parameters
        ----------
        credit, fair_credit : index points
        """
        payout = fair_credit + self.quote_weight * (credit - fair_credit)
        return QuotedCondor(credit, fair_credit, payout, credit - payout - self.fees_points)

    def decide(
        self,
        prediction: Prediction,
        *,
        recent_rate: float | None = None,
        quote: QuotedCondor | None = None,
        largest_risk_pct: float | None = None,
        may_trade_full: bool = True,
    ) -> Decision:
        """Decide on one entry. A quote may only make the trade smaller, or skip it.

        Parameters
        ----------
        recent_rate : the win rate of the last 252 sessions; without it the base rate is the reference
        quote : of the condor in question
        largest_risk_pct : the bot's own limit, never exceeded; default: the guide's 10 %
        may_trade_full : False caps the advice at `TRADE_REDUCED`
        """
        own = DEFAULT_BOT_RISK_PCT if largest_risk_pct is None else largest_risk_pct
        recent = recent_rate if self.relative_to == "recent" else None
        reference = prediction.base_rate if recent is None else recent
        advice, fraction = self._by_probability(prediction.probability, reference, may_trade_full=may_trade_full)
        risk = fraction * min(self.risk_cap_pct, own)
        if quote is not None:
            risk = min(risk, quote.kelly_pct)
            if quote.expected_pnl <= 0:
                advice = TradeAction.SKIP_TODAY
        if advice is TradeAction.SKIP_TODAY or self.risk_cap_pct == 0:
            advice, risk = TradeAction.SKIP_TODAY, 0.0
        return Decision(advice, risk / own if own > 0 else 0.0, risk)

    def _by_probability(
        self, probability: float, reference: float, *, may_trade_full: bool
    ) -> tuple[TradeAction, float]:
        skip_below, full_from = reference - self.skip_below, reference - self.full_within
        if probability < skip_below:
            return TradeAction.SKIP_TODAY, 0.0
        if probability >= full_from:
            return (TradeAction.TRADE_FULL, 1.0) if may_trade_full else (TradeAction.TRADE_REDUCED, self.reduced_high)
        share = (probability - skip_below) / (full_from - skip_below)
        return TradeAction.TRADE_REDUCED, self.reduced_low + share * (self.reduced_high - self.reduced_low)
