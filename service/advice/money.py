"""What today's condors are worth: fair credits along the curve, and what the bot's quotes offer over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ares_client.contract import AdviceRequest
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import Strikes, listed_strikes
from kronos.market.history import Floats
from kronos.model.fair_value import FairValue, breakeven_win_probability
from kronos.model.model import Model
from kronos.model.policy import Policy, QuotedCondor
from kronos.model.prediction import Prediction
from service.errors import InvalidFieldError

STEP_TOLERANCE = 1e-6
SAME_MULTIPLIER = 1e-9


@dataclass(frozen=True, slots=True)
class Quote:
    """One quoted condor, at the listed strikes that its multiplier means.

    Attributes
    ----------
    put_short, call_short : listed strikes
    win_probability : between them
    worth : what the credit is worth
    breakeven : win probability that the credit needs to pay the fees
    """

    sd_multiplier: float
    put_short: float
    call_short: float
    win_probability: float
    worth: QuotedCondor
    breakeven: float


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """The fair credits of one entry, in index points.

    Attributes
    ----------
    wing_points : the width of the wings
    by_point : (k,) at the curve's multipliers
    breakeven_by_point : (k,) win probabilities that these credits need to pay the fees
    asked, listed : at the multiplier asked for, exactly and at listed strikes
    breakeven : that its quoted credit needs, or its fair one without a quote
    quotes : what the bot's credits are worth
    quote : the one at the multiplier asked for
    """

    wing_points: float
    by_point: Floats
    breakeven_by_point: Floats
    asked: float
    listed: float
    breakeven: float
    quotes: Sequence[Quote]
    quote: Quote | None


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
    exact = np.array([*prediction.multipliers, request.sd_multiplier])
    listed = _listed(request, model.spec, fair, [request.sd_multiplier, *request.quoted])
    puts, calls = (np.concatenate([exact, side]) for side in (listed.put, listed.call))
    fairs = fair.credit_points(puts, wing, calls)
    by_exact, by_listed = fairs[: len(exact)], fairs[len(exact) :]
    wins = np.interp(exact, prediction.multipliers, prediction.curve)
    needed = breakeven_win_probability(wins, by_exact, by_exact, policy.fees_points)
    quotes = [
        _quote(fair, policy, listed, place, float(by_listed[place]), multiplier, credit)
        for place, (multiplier, credit) in enumerate(request.quoted.items(), start=1)
    ]
    asked = next((one for one in quotes if abs(one.sd_multiplier - request.sd_multiplier) < SAME_MULTIPLIER), None)
    return Money(
        wing_points=wing,
        by_point=by_exact[:-1],
        breakeven_by_point=needed[:-1],
        asked=float(by_exact[-1]),
        listed=float(by_listed[0]),
        breakeven=float(needed[-1]) if asked is None else asked.breakeven,
        quotes=quotes,
        quote=asked,
    )


class _Listed(NamedTuple):
    """(j,) short strikes that are listed, and their distances in expected moves."""

    strikes: Strikes
    put: Floats
    call: Floats


def _listed(request: AdviceRequest, spec: CondorSpec, fair: FairValue, sd_multipliers: Sequence[float]) -> _Listed:
    """What can be sold at these multipliers: short strikes are rounded away from the price."""
    price, move = request.price, fair.expected_move_points
    strikes = listed_strikes(np.array(price), np.array(sd_multipliers) * move, spec)
    return _Listed(strikes, (price - strikes.put_short) / move, (strikes.call_short - price) / move)


def _quote(
    fair: FairValue,
    policy: Policy,
    listed: _Listed,
    place: int,
    fair_credit: float,
    sd_multiplier: float,
    credit: float,
) -> Quote:
    put, call = float(listed.put[place]), float(listed.call[place])
    won = fair.shape.win_probability(put, call, fair.multipliers, fair.curve)
    return Quote(
        sd_multiplier,
        float(listed.strikes.put_short[place]),
        float(listed.strikes.call_short[place]),
        won,
        policy.value(credit, fair_credit),
        float(breakeven_win_probability(won, fair_credit, credit, policy.fees_points)),
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
        "listed_fair_credit_points": money.listed,
        "breakeven_win_probability": money.breakeven,
        "quotes": [
            {
                "sd_multiplier": one.sd_multiplier,
                "put_short_strike": one.put_short,
                "call_short_strike": one.call_short,
                "win_probability": one.win_probability,
                "credit_points": one.worth.credit,
                "fair_credit_points": one.worth.fair_credit,
                "edge_points": one.worth.edge,
                "expected_pnl_points": one.worth.expected_pnl,
                "breakeven_win_probability": one.breakeven,
            }
            for one in money.quotes
        ],
    }
    if money.quote is not None:
        worth = money.quote.worth
        fields |= {"expected_pnl_points": worth.expected_pnl, "edge_points": worth.edge}
    return fields
