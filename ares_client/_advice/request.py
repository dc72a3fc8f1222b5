"""Turns the caller's arguments into a request that the contract allows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import ValidationError

from ares_client._values import Number, number, whole_number
from ares_client.contract import NEWER_FIELDS, AdviceRequest, Problem
from ares_client.errors import FallbackReason

if TYPE_CHECKING:
    from ares_client._http.transport import HttpResponse

logger = logging.getLogger(__name__)


class Hints(TypedDict, total=False):
    """Features that the bot may know. The service uses them only if it cannot derive them itself."""

    vix_percentile_30d: Number | None
    vix_change_1d: Number | None
    price_change_1d: Number | None
    expected_move_pct: Number | None
    win_rate_30d: Number | None
    avg_pnl_30d: Number | None


class AdviceOptions(Hints, total=False):
    """Optional arguments besides VIX, price and day of the week."""

    as_of: datetime | None
    """The time of entry, with its time zone. Default: now, by the service's clock."""
    sd_multiplier: Number | None
    """The multiplier to ask about. Default: the bot's own."""
    risk_per_trade_pct: Number | None
    """The most that this trade may risk, in % of the account. Default: the bot's own, which it never exceeds."""
    wing_points: Number | None
    """Distance of the long strikes from the short ones, in index points. Default: the model's."""
    credit_points: Number | Mapping[Number, Number] | None
    """What the bot expects to receive, in index points: for the multiplier asked for, or by multiplier."""


HINTS = frozenset(Hints.__annotations__)
QUOTE = frozenset({"credit_points", "wing_points"})
"""A credit belongs to its wings: one is left out with the other."""
MAY_BE_LEFT_OUT = HINTS | NEWER_FIELDS
ALLOWED = {name: spec for name, spec in AdviceRequest.model_fields.items() if name != "bot"}
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and whether the bot's quote had to be left out of it."""

    request: AdviceRequest
    quote_ignored: bool = False

    def without(self, names: frozenset[str]) -> Question:
        """The same question without some optional fields."""
        left_out = names | QUOTE if names & QUOTE else names
        given = self.request.model_dump(exclude_none=True)
        ignored = self.quote_ignored or ("credit_points" in given and "credit_points" in left_out)
        kept = {name: value for name, value in given.items() if name not in left_out}
        return Question(AdviceRequest.model_validate(kept), ignored)


class UnusableRequestError(Exception):
    """A value has the right type but violates the contract. `reason` is the fallback's reason."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        is_market_data = not names.isdisjoint({"vix", "price"})
        self.reason = FallbackReason.INVALID_MARKET_DATA if is_market_data else FallbackReason.INVALID_REQUEST


def build_question(defaults: Mapping[str, Any], arguments: Mapping[str, object]) -> Question:
    """Build the request. Hints, quotes and limits that violate the contract are left out: advice matters more.

    Raises
    ------
    TypeError
        An argument has the wrong type. The message names it.
    UnusableRequestError
        Another value is out of range or not finite.
    """
    given = _plain_values(arguments)
    try:
        return Question(AdviceRequest.model_validate({**defaults, **given}))
    except ValidationError as error:
        unusable = {str(problem["loc"][0]) for problem in error.errors(include_input=False)}
    if not unusable <= MAY_BE_LEFT_OUT:
        raise UnusableRequestError(unusable)
    if unusable & QUOTE:
        unusable |= QUOTE
    logger.warning(
        "left out of the request because they are not usable: %s", ", ".join(sorted(unusable & given.keys()))
    )
    kept = {name: value for name, value in given.items() if name not in unusable}
    return Question(AdviceRequest.model_validate({**defaults, **kept}), "credit_points" in given.keys() & unusable)


def acceptable(question: Question, response: HttpResponse) -> Question | None:
    """The question without the optional fields that a service refused; None if that is not what it refused.

    A service of the first revision does not name a field that it does not know.
    """
    if response.status != UNPROCESSABLE:
        return None
    try:
        errors = Problem.model_validate_json(response.body).errors or []
    except ValidationError:
        return None
    named = {str(error.get("where", "")).partition(".")[2].partition(".")[0] for error in errors}
    refused = NEWER_FIELDS if named == {""} else frozenset(named)
    given = frozenset(question.request.model_dump(exclude_none=True))
    if not refused & given or not refused <= MAY_BE_LEFT_OUT:
        return None
    logger.warning("asking again without what the service refused: %s", ", ".join(sorted(refused & given)))
    return question.without(refused)


def _plain_values(arguments: Mapping[str, object]) -> dict[str, Any]:
    for name in arguments.keys() - ALLOWED.keys():
        raise TypeError(f"unexpected argument {name!r}")
    return {
        name: _plain_value(name, value)
        for name, value in arguments.items()
        if value is not None or ALLOWED[name].is_required()
    }


def _plain_value(name: str, value: object) -> object:
    match name:
        case "as_of" if isinstance(value, datetime):
            return value
        case "as_of":
            raise TypeError(f"as_of must be a datetime, not {type(value).__name__}")
        case "day_of_week":
            return whole_number(name, value)
        case "credit_points" if isinstance(value, Mapping):
            return [
                {"sd_multiplier": number("a multiplier of credit_points", at), name: number(name, credit)}
                for at, credit in value.items()
            ]
        case _:
            return number(name, value)
