"""Turns the caller's arguments into a request that the contract allows."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import ValidationError

from ares_client._values import Number, number, whole_number
from ares_client.contract import AdviceRequest
from ares_client.errors import FallbackReason

if TYPE_CHECKING:
    from collections.abc import Mapping

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


HINTS = frozenset(Hints.__annotations__)
ALLOWED = {name: spec for name, spec in AdviceRequest.model_fields.items() if name != "bot"}


class UnusableRequestError(Exception):
    """A value has the right type but violates the contract. `reason` is the fallback's reason."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(", ".join(sorted(names)))
        is_market_data = not names.isdisjoint({"vix", "price"})
        self.reason = FallbackReason.INVALID_MARKET_DATA if is_market_data else FallbackReason.INVALID_REQUEST


def build_advice_request(defaults: Mapping[str, Any], arguments: Mapping[str, object]) -> AdviceRequest:
    """Build the request. Hints that violate the contract are left out, because advice matters more than they do.

    Raises
    ------
    TypeError
        An argument has the wrong type. The message names it.
    UnusableRequestError
        A value other than a hint is out of range or not finite.
    """
    values = {**defaults, **_plain_values(arguments)}
    try:
        return AdviceRequest.model_validate(values)
    except ValidationError as error:
        unusable = {str(problem["loc"][0]) for problem in error.errors(include_input=False)}
    if not unusable <= HINTS:
        raise UnusableRequestError(unusable)
    logger.warning("hints left out of the request because they are out of range: %s", ", ".join(sorted(unusable)))
    return AdviceRequest.model_validate({name: values[name] for name in values.keys() - unusable})


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
        case _:
            return number(name, value)
