"""Which features answer a request, and where each one comes from."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from ares_client.contract import AdviceRequest
from kronos.features.matrix import features_at_entry
from kronos.market.history import MarketHistory
from kronos.market.sessions import NEW_YORK, ExchangeSessions
from kronos.model.model import Model

RELATIVE_TOLERANCE = 0.01
ABSOLUTE_TOLERANCE = 0.01

FeatureSource = Literal["derived", "request"]


@dataclass(frozen=True, slots=True)
class ResolvedFeatures:
    """The features of one entry.

    Attributes
    ----------
    session : the exchange session the trade would be entered on
    variant : the richest variant whose features are all present
    values, sources : the value and the source of each feature of the variant, by name
    mismatch : whether a feature in the request differs from the derived value
    market_closed : whether the day of entry is not an exchange session
    """

    session: date
    variant: str
    values: dict[str, float]
    sources: dict[str, FeatureSource]
    mismatch: bool
    market_closed: bool


def resolve(
    request: AdviceRequest,
    as_of: datetime,
    model: Model,
    history: MarketHistory | None,
    calendar: ExchangeSessions,
    silenced: Collection[str] = (),
) -> ResolvedFeatures:
    """Derive features from the stored bars and take the rest from the request; never make one up.

    Parameters
    ----------
    silenced : variants of the model that have lost their skill

    Raises
    ------
    kronos.errors.MarketDataError
        If `as_of` is outside the session list.
    """
    session = calendar.entry_session(as_of)
    closed = session != as_of.astimezone(NEW_YORK).date()
    derived = features_at_entry(history, model.spec, session, request.price, request.vix, model.features)
    asked = {feature.name: getattr(request, feature.name, None) for feature in model.features}
    given = {name: float(value) for name, value in asked.items() if value is not None}
    if closed:
        given.pop("day_of_week", None)
    values = given | derived
    sources: dict[str, FeatureSource] = {name: "derived" if name in derived else "request" for name in values}
    sources["vix"] = "request"
    variant = model.answering(values, silenced)
    used = variant.feature_names
    return ResolvedFeatures(
        session=session,
        values={name: values[name] for name in used},
        sources={name: sources[name] for name in used},
        variant=variant.name,
        mismatch=any(not _agree(given[name], derived[name]) for name in given.keys() & derived.keys()),
        market_closed=closed,
    )


def _agree(given: float, derived: float) -> bool:
    return math.isclose(given, derived, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
