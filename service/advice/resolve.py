"""Which features a request is answered with, and where each came from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from ares_client.contract import AdviceRequest
from kronos.condor import CondorSpec
from kronos.features import MARKET_FEATURES, VARIANT_FEATURES, VARIANTS, Variant, features_at_entry
from kronos.market import MarketHistory
from kronos.sessions import NEW_YORK, ExchangeSessions

RELATIVE_TOLERANCE = 0.01
ABSOLUTE_TOLERANCE = 0.01

Source = Literal["derived", "request"]


@dataclass(frozen=True, slots=True)
class ResolvedFeatures:
    """The features of one entry.

    Attributes
    ----------
    session : the exchange session the trade would be entered on
    variant : the richest whose features are all present
    values, sources : the variant's features, by name
    mismatch : whether a feature given in the request differs from the derived one
    market_closed : whether the moment of entry lies outside a session
    """

    session: date
    variant: Variant
    values: dict[str, float]
    sources: dict[str, Source]
    mismatch: bool
    market_closed: bool


def resolve(
    request: AdviceRequest,
    as_of: datetime,
    spec: CondorSpec,
    history: MarketHistory | None,
    calendar: ExchangeSessions,
) -> ResolvedFeatures:
    """Derive what the stored bars allow, take the rest from the request, invent nothing.

    Raises
    ------
    kronos.errors.MarketDataError
        Where `as_of` is outside the session list.
    """
    session = calendar.entry_session(as_of)
    closed = session != as_of.astimezone(NEW_YORK).date()
    derived = features_at_entry(history, spec, session, request.price, request.vix)
    given = {name: float(value) for name in MARKET_FEATURES if (value := getattr(request, name)) is not None}
    if closed:
        given.pop("day_of_week", None)
    values = given | derived
    sources: dict[str, Source] = {name: "derived" if name in derived else "request" for name in values}
    sources["vix"] = "request"
    variant = next(v for v in VARIANTS if all(name in values for name in VARIANT_FEATURES[v]))
    used = VARIANT_FEATURES[variant]
    return ResolvedFeatures(
        session=session,
        values={name: values[name] for name in used},
        sources={name: sources[name] for name in used},
        variant=variant,
        mismatch=any(not _agree(given[name], derived[name]) for name in given.keys() & derived.keys()),
        market_closed=closed,
    )


def _agree(given: float, derived: float) -> bool:
    return math.isclose(given, derived, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
