"""Turns a closed trade, as the bot reports it, into the text that is stored and sent.

No trade is rejected for its values. If an optional field violates the contract, its value moves to the features,
where it is kept for audit. If a required field does, the trade gets an `objection` and stays in quarantine until
somebody fixes it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, SupportsIndex, TypedDict
from urllib.parse import quote
from uuid import UUID

from pydantic import ValidationError

from ares_client._values import Number, day, money, number, whole_number
from ares_client.contract import MAX_IDENTIFIER_LENGTH, MAX_REPORTED_FEATURES, Outcome

logger = logging.getLogger(__name__)

PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


@dataclass(frozen=True, kw_only=True, slots=True)
class MLFeatures:
    """What the bot believed at entry. Kept with the trade for audit; of these, training uses only `price` and `vix`.

    `vix` and `price` are in points, the changes and `expected_move_pct` in %, and `avg_pnl_30d` in dollars.
    `vix_percentile_30d` runs from 0 to 100 and `win_rate_30d` from 0 to 1. `day_of_week` is 0 for Monday.
    """

    vix: Number | None
    price: Number | None
    day_of_week: Number | None = None
    vix_percentile_30d: Number | None = None
    vix_change_1d: Number | None = None
    price_change_1d: Number | None = None
    expected_move_pct: Number | None = None
    win_rate_30d: Number | None = None
    avg_pnl_30d: Number | None = None


class TradeDetails(TypedDict, total=False):
    """Optional details of a closed trade."""

    sd_multiplier: Number | None
    """The multiplier actually traded."""
    advice_id: UUID | str | None
    """The advice that the trade followed."""
    put_short_strike: Number | None
    put_long_strike: Number | None
    call_short_strike: Number | None
    call_long_strike: Number | None
    settlement_price: Number | None
    contracts: Number | None
    credit: Number | None
    """$ per condor, as received at entry."""


DETAILS = frozenset(TradeDetails.__annotations__)


@dataclass(frozen=True, slots=True)
class PreparedOutcome:
    """A trade as it is stored and sent: JSON text, always the same for the same trade."""

    trade_id: str
    body: str
    objection: str | None
    """Why the service cannot accept it as it is; None if it can."""


def prepare_outcome(
    bot: str,
    *,
    trade_date: object,
    features: object,
    outcome: object,
    net_pnl: object,
    trade_id: object,
    details: Mapping[str, object],
) -> PreparedOutcome:
    """Check the types, give the trade its id, and write it as JSON.

    Raises
    ------
    TypeError
        An argument has the wrong type. The message names it.
    """
    if not isinstance(outcome, str):
        raise TypeError(f"outcome must be a TradeOutcome, not {type(outcome).__name__}")
    trade: dict[str, Any] = {
        "bot": bot,
        "trade_date": day("trade_date", trade_date),
        "outcome": outcome,
        "net_pnl": money("net_pnl", net_pnl),
        "features": _plain_features(features),
        **_plain_details(details),
    }
    trade["trade_id"] = _own_trade_id(trade_id) or default_trade_id(trade)
    return _write(trade)


def default_trade_id(trade: Mapping[str, Any]) -> str:
    """An id that stays the same after a restart and differs for a second trade on the same day."""
    at_entry = [trade["features"].get(name) for name in ("vix", "price", "expected_move_pct")]
    key = json.dumps([trade["bot"], str(trade["trade_date"]), *at_entry])
    return _identifier(f"{trade['trade_date']}-{hashlib.sha256(key.encode()).hexdigest()[:24]}")


def _own_trade_id(trade_id: object) -> str | None:
    if trade_id is None:
        return None
    if isinstance(trade_id, bool) or not isinstance(trade_id, str | UUID | SupportsIndex):
        raise TypeError(f"trade_id must be text, a whole number or a UUID, not {type(trade_id).__name__}")
    return _identifier(str(trade_id))


def _identifier(text: str) -> str:
    """The text in the characters and length that the contract allows. The same text always gives the same id."""
    printable = quote(text, safe=PRINTABLE, errors="surrogatepass")
    if len(printable) <= MAX_IDENTIFIER_LENGTH:
        return printable
    digest = hashlib.sha256(printable.encode()).hexdigest()
    return printable[: MAX_IDENTIFIER_LENGTH - len(digest)] + digest


def _plain_features(features: object) -> dict[str, float | None]:
    if isinstance(features, MLFeatures):
        believed = {feature.name: getattr(features, feature.name) for feature in fields(features)}
        features = {name: value for name, value in believed.items() if value is not None}
    if not isinstance(features, Mapping):
        raise TypeError(f"features must be MLFeatures or a mapping, not {type(features).__name__}")
    named = [(_identifier(str(name)), value) for name, value in features.items()]
    if len(named) > MAX_REPORTED_FEATURES:
        logger.warning("keeping only the first %d of %d features", MAX_REPORTED_FEATURES, len(named))
    return {name: _finite_or_none(name, value) for name, value in named[:MAX_REPORTED_FEATURES] if name}


def _finite_or_none(name: str, value: object) -> float | None:
    try:
        plain = number(name, value)
    except TypeError:
        return None
    return plain if math.isfinite(plain) else None


def _plain_details(details: Mapping[str, object]) -> dict[str, object]:
    for name in details.keys() - DETAILS:
        raise TypeError(f"unexpected argument {name!r}")
    return {name: _plain_detail(name, value) for name, value in details.items() if value is not None}


def _plain_detail(name: str, value: object) -> object:
    match name:
        case "advice_id" if isinstance(value, str | UUID):
            return value
        case "advice_id":
            raise TypeError(f"advice_id must be a UUID, not {type(value).__name__}")
        case "contracts":
            return whole_number(name, value)
        case "credit":
            return money(name, value)
        case _:
            return number(name, value)


def _write(trade: dict[str, Any]) -> PreparedOutcome:
    unfit = _unfit(trade)
    if unfit and unfit.keys() <= DETAILS:
        logger.warning("trade %s: invalid values moved to its features: %s", trade["trade_id"], _listed(unfit))
        trade = _with_moved_to_features(trade, unfit.keys())
        unfit = {}
    if unfit:
        raw = {name: value if _is_finite(value) else str(value) for name, value in trade.items()}
        return PreparedOutcome(trade["trade_id"], _json(raw), _listed(unfit))
    known = Outcome.model_validate(trade).model_dump(exclude_unset=True)
    return PreparedOutcome(trade["trade_id"], _json(known), None)


def _unfit(trade: Mapping[str, Any]) -> dict[str, str]:
    """The contract's objections, by field."""
    try:
        Outcome.model_validate(trade)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        return {str(problem["loc"][0]): problem["msg"] for problem in problems}
    return {}


def _with_moved_to_features(trade: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    moved = {name: _finite_or_none(name, trade[name]) for name in names}
    others = list(trade["features"].items())[: MAX_REPORTED_FEATURES - len(moved)]
    kept = {name: value for name, value in trade.items() if name not in names}
    return kept | {"features": dict(others) | moved}


def _is_finite(value: object) -> bool:
    return not isinstance(value, float | Decimal) or math.isfinite(value)


def _listed(problems: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {problem}" for name, problem in sorted(problems.items()))


def _json(trade: Mapping[str, Any]) -> str:
    return json.dumps(trade, default=_plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)
