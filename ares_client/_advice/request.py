"""Turns the caller's arguments into a request that the contract allows."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from pydantic import ValidationError

from ares_client._values import Number, number, whole_number
from ares_client.contract import MAX_QUOTES, NEWER_FIELDS, AdviceRequest, Problem, QuotedCredit
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
    credit_points: Number | Mapping[Any, Number | None] | None
    """What the bot expects to receive, in index points: for the multiplier asked for, or by multiplier."""


HINTS = frozenset(Hints.__annotations__)
QUOTE = frozenset({"credit_points", "wing_points"})
"""A credit belongs to its wings: one is left out with the other."""
QUOTE_IGNORED = "quote_ignored"
"""A reason that the client adds: a quote could not be used, and the advice was given without it."""
LIMIT_IGNORED = "limit_ignored"
"""A reason that the client adds: the call's own limit of risk could not be used, and the bot's was."""
WHOLE_ACCOUNT_PCT = 100.0
MAY_BE_LEFT_OUT = HINTS | NEWER_FIELDS
ALLOWED = {name: spec for name, spec in AdviceRequest.model_fields.items() if name != "bot"}
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and what had to be left out of it.

    `notes` become reasons of the advice: `quote_ignored`, `limit_ignored`. `largest_risk_pct` is the most that this
    trade may risk, whoever answers.
    """

    request: AdviceRequest
    largest_risk_pct: float
    notes: frozenset[str] = frozenset()

    def without(self, names: frozenset[str]) -> Question:
        """The same question without some optional fields."""
        left_out = names | QUOTE if names & QUOTE else names
        given = self.request.model_dump(exclude_none=True)
        ignored = {QUOTE_IGNORED} if "credit_points" in given.keys() & left_out else set()
        kept = {name: value for name, value in given.items() if name not in left_out}
        return Question(AdviceRequest.model_validate(kept), self.largest_risk_pct, self.notes | ignored)


class UnusableRequestError(Exception):
    """A value has the right type but violates the contract. `reason` is the fallback's reason."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        is_market_data = not names.isdisjoint({"vix", "price"})
        self.reason = FallbackReason.INVALID_MARKET_DATA if is_market_data else FallbackReason.INVALID_REQUEST


class RiskLimit(NamedTuple):
    """The most that a trade may risk, in % of the account, and what there is to say about it."""

    pct: float
    notes: frozenset[str] = frozenset()


def limit_of(own_risk_pct: float, given: object) -> RiskLimit:
    """The bot's own limit, or the call's where that is lower and usable.

    Raises
    ------
    TypeError
        The call's limit can be no number.
    """
    if given is None:
        return RiskLimit(own_risk_pct)
    asked = _number_or_nan("risk_per_trade_pct", given)
    if 0 <= asked <= WHOLE_ACCOUNT_PCT:
        return RiskLimit(min(own_risk_pct, asked))
    return RiskLimit(own_risk_pct, frozenset({LIMIT_IGNORED}))


def build_question(bot: str, sd_multiplier: float, limit: RiskLimit, arguments: Mapping[str, object]) -> Question:
    """Build the request. Hints, quotes and limits that violate the contract are left out: advice matters more.

    Raises
    ------
    TypeError
        An argument has the wrong type. The message names it.
    UnusableRequestError
        Another value is out of range or not finite.
    """
    given = _plain_values({name: value for name, value in arguments.items() if name != "risk_per_trade_pct"})
    notes = set(limit.notes)
    table = given.get("credit_points")
    if isinstance(table, list):
        usable = [quote for quote in table if _is_usable(quote, given.get("wing_points"))]
        asked_at = given.get("sd_multiplier", sd_multiplier)
        given["credit_points"] = sorted(usable, key=lambda quote: abs(quote["sd_multiplier"] - asked_at))[:MAX_QUOTES]
        notes |= {QUOTE_IGNORED} if len(given["credit_points"]) < len(table) else set()
    defaults = {"bot": bot, "sd_multiplier": sd_multiplier, "risk_per_trade_pct": limit.pct}
    try:
        return _question({**defaults, **given}, limit.pct, notes)
    except ValidationError as error:
        unusable = {str(problem["loc"][0]) for problem in error.errors(include_input=False)}
    if not unusable <= MAY_BE_LEFT_OUT:
        raise UnusableRequestError(unusable)
    if unusable & QUOTE:
        unusable |= QUOTE
        notes |= {QUOTE_IGNORED} if "credit_points" in given else set()
    logger.warning(
        "left out of the request because they are not usable: %s", ", ".join(sorted(unusable & given.keys()))
    )
    kept = {name: value for name, value in given.items() if name not in unusable}
    return _question({**defaults, **kept}, limit.pct, notes)


def _question(values: Mapping[str, object], largest_risk_pct: float, notes: set[str]) -> Question:
    return Question(AdviceRequest.model_validate(values), largest_risk_pct, frozenset(notes))


def _is_usable(quote: Mapping[str, float], wing_points: float | None) -> bool:
    """Whether one entry of a table can stand by itself: a missing bid far out must not cost the others."""
    try:
        credit = QuotedCredit.model_validate(quote).credit_points
    except ValidationError:
        return False
    return wing_points is None or not credit >= wing_points


def refused_fields(question: Question, response: HttpResponse) -> frozenset[str]:
    """The optional fields that a service refused, to be left out of a second question; empty if it refused another.

    A service of the first revision does not name a field that it does not know.
    """
    if response.status != UNPROCESSABLE:
        return frozenset()
    try:
        errors = Problem.model_validate_json(response.body).errors or []
    except ValidationError:
        return frozenset()
    named = {str(error.get("where", "")).partition(".")[2].partition(".")[0] for error in errors}
    refused = NEWER_FIELDS if named == {""} else frozenset(named)
    given = frozenset(question.request.model_dump(exclude_none=True))
    return refused if refused & given and refused <= MAY_BE_LEFT_OUT else frozenset()


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
                {
                    "sd_multiplier": number("a multiplier of credit_points", at),
                    name: _number_or_nan(name, credit),
                }
                for at, credit in value.items()
            ]
        case _:
            return number(name, value)


def _number_or_nan(name: str, value: object) -> float:
    """A missing quote is no wrong type: None, or the missing value of pandas."""
    return math.nan if value is None or type(value).__name__ == "NAType" else number(name, value)
