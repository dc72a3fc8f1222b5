"""`POST /advice`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from ares_client.contract.values import (
    Identifier,
    IndexPoints,
    Percent,
    Probability,
    Reply,
    Request,
    SdMultiplier,
    Timestamp,
    TradingAdvice,
    VixPoints,
    one_of,
)

CONTRACT_REVISION_HEADER: Final = "ARES-Contract-Revision"
"""A client says with it which values of enumerations it knows. Without it, it gets those of revision 1."""
CONTRACT_REVISION: Final = 2
"""Revision 2 knows the variant `term`."""
CONTRACT_VERSION = 1
"""Increased whenever an old client could misread a reply. A client refuses a reply with a higher version."""


class AdviceRequest(Request):
    """What ARES knows at entry. Features given here are used only if the service cannot derive them itself."""

    vix: VixPoints
    price: IndexPoints
    day_of_week: Annotated[int, Field(ge=0, le=6, description="0 = Monday")] | None = None
    as_of: Timestamp | None = Field(default=None, description="time of entry (default: now)")
    bot: Identifier = "ares"
    sd_multiplier: SdMultiplier = 1.0
    vix_percentile_30d: Percent | None = None
    vix_change_1d: Annotated[float, Field(ge=-100, le=1000, description="%")] | None = None
    price_change_1d: Annotated[float, Field(ge=-100, le=1000, description="%")] | None = None
    expected_move_pct: Annotated[float, Field(gt=0, le=100, description="% of the price")] | None = None
    win_rate_30d: Probability | None = None
    avg_pnl_30d: Annotated[float, Field(ge=-1e9, le=1e9, description="$ per contract")] | None = None


class CurvePoint(Reply):
    """The probability of full profit at one multiplier, and the base rate at that multiplier."""

    sd_multiplier: float
    win_probability: Probability
    base_rate: Probability


class FeatureValue(Reply):
    """An input of the model, and where its value came from."""

    value: float
    source: Annotated[str, one_of("derived", "request")]


class Factor(Reply):
    """A feature's signed contribution to the log-odds of this probability, before calibration."""

    feature: str
    log_odds: float


class AdviceReply(Reply):
    """The service's answer to `POST /advice`."""

    contract_version: int = CONTRACT_VERSION
    advice_id: UUID
    advice: TradingAdvice
    win_probability: Probability
    base_rate: Probability
    sd_multiplier: SdMultiplier
    suggested_risk_pct: Percent
    suggested_sd_multiplier: SdMultiplier
    curve: list[CurvePoint]
    status: Annotated[str, one_of("ok", "degraded")]
    reasons: list[str]
    variant: Annotated[str, one_of("term", "full", "market", "minimal")] = Field(
        description="the variant that answered; `full` for a richer one that the client does not announce to know"
    )
    variant_name: str | None = Field(default=None, description="the variant that answered, by its true name")
    features: dict[str, FeatureValue]
    base_log_odds: float
    top_factors: list[Factor] = Field(
        description="largest first; together with base_log_odds they add up to the log-odds before calibration"
    )
    session: date = Field(description="exchange session that the advice is for")
    as_of: datetime
    model_version: str
