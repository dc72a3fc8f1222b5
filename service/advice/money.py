"""What today's condors are worth: fair credits along the curve, and what the bot's quotes offer over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ares_client.contract import AdviceRequest
from kronos.condor.spec import CondorSpec
from kronos.market.history import Floats
from kronos.model.fair_value import breakeven_win_probability
from kronos.model.model import Model
from kronos.model.policy import Policy, QuotedCondor
from kronos.model.prediction import Prediction
from service.errors import InvalidFieldError

STEP_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """The fair credits of one entry, in index points.

    Attributes
    ----------
    wing_points : the width of the wings
    by_point : (k,) at the curve's multipliers
    breakeven_by_point : (k,) win probabilities that these credits need to pay the fees
    asked : at the multiplier asked for
    breakeven : that its quoted credit needs, or its fair one without a quote
    quotes : what the bot's credits are worth, by multiplier, with the win probabilities that they need
    quote : the one at the multiplier asked for
    """

    wing_points: float
    by_point: Floats
    breakeven_by_point: Floats
    asked: float
    breakeven: float
    quotes: Mapping[float, tuple[QuotedCondor, float]]
    quote: QuotedCondor | None


def value_condors(request: AdviceRequest, model: Model, prediction: Prediction, policy: Policy) -> Money | None:
    """Price the condors of a request; None for those that are not held to settlement, which no curve prices.

    Raises
    ------
    InvalidFieldError
        If the wings or a credit do not fit the model's condor.
    """
    wing = wing_points_of(request, model.spec)
    fair = model.fair_value(prediction, request.price, request.vix)
    if fair is None:
        return None
    quoted = request.quoted
    at = np.array([*prediction.multipliers, request.sd_multiplier, *quoted])
    fairs = fair.credit_points(at, wing)
    wins = np.interp(at, prediction.multipliers, prediction.curve)
    credits_of = np.array([*fairs[: len(at) - len(quoted)], *quoted.values()])
    needed = breakeven_win_probability(wins, fairs, credits_of, policy.fees_points)
    points = len(prediction.multipliers)
    worth = {
        multiplier: (policy.value(credit, float(fairs[place])), float(needed[place]))
        for place, (multiplier, credit) in enumerate(quoted.items(), start=points + 1)
    }
    asked = worth.get(request.sd_multiplier)
    return Money(
        wing_points=wing,
        by_point=fairs[:points],
        breakeven_by_point=needed[:points],
        asked=float(fairs[points]),
        breakeven=float(needed[points]) if asked is None else asked[1],
        quotes=worth,
        quote=None if asked is None else asked[0],
    )


def wing_points_of(request: AdviceRequest, spec: CondorSpec) -> float:
    """The width of the wings asked for, or the model's.

    Raises
    ------
    InvalidFieldError
    """
    step = spec.strike_step_points
    wing = spec.wing_width_points if request.wing_points is None else request.wing_points
    if request.wing_points is not None and not (
        wing >= step and abs(wing / step - round(wing / step)) <= STEP_TOLERANCE
    ):
        raise InvalidFieldError("wing_points", f"must be a multiple of the strikes' step of {step:g} points")
    if max(request.quoted.values(), default=0.0) >= wing:
        raise InvalidFieldError("credit_points", f"a credit must be smaller than the wings are wide, {wing:g} points")
    return wing


def fields_of(money: Money | None) -> dict[str, Any]:
    """The reply's fields about money; those of a quote are missing without one."""
    if money is None:
        return {}
    fields: dict[str, Any] = {
        "wing_points": money.wing_points,
        "fair_credit_points": money.asked,
        "breakeven_win_probability": money.breakeven,
        "quotes": [
            {
                "sd_multiplier": multiplier,
                "credit_points": one.credit,
                "fair_credit_points": one.fair_credit,
                "edge_points": one.edge,
                "expected_pnl_points": one.expected_pnl,
                "breakeven_win_probability": needed,
            }
            for multiplier, (one, needed) in money.quotes.items()
        ],
    }
    if money.quote is not None:
        fields |= {"expected_pnl_points": money.quote.expected_pnl, "edge_points": money.quote.edge}
    return fields
