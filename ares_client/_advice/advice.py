"""`Advice`: the service's answer, or the bot's own configuration and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from ares_client.contract import AdviceReply, CurvePoint, Factor, FeatureValue, TradingAdvice

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from ares_client.errors import FallbackReason
    from ares_client.settings import ClientSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to do with today's trade. `source` says where it comes from; a fallback has a `reason` and no model.

    `suggested_risk_pct` is in % of the account, multipliers are in expected moves, and probabilities run from 0 to
    1. The other fields are as in `AdviceReply`.
    """

    advice: TradingAdvice
    win_probability: float
    base_rate: float
    suggested_risk_pct: float
    suggested_sd_multiplier: float
    sd_multiplier: float
    source: Literal["service", "fallback"]
    reason: FallbackReason | None = None
    status: Literal["ok", "degraded", "fallback"] = "fallback"
    reasons: list[str] = field(default_factory=list)
    advice_id: UUID | None = None
    model_version: str | None = None
    variant: Literal["full", "market", "minimal"] | None = None
    curve: list[CurvePoint] = field(default_factory=list)
    features: dict[str, FeatureValue] = field(default_factory=dict)
    base_log_odds: float | None = None
    top_factors: list[Factor] = field(default_factory=list)
    session: date | None = None
    as_of: datetime | None = None

    @classmethod
    def from_reply(cls, reply: AdviceReply) -> Advice:
        """The service's answer."""
        shared = {name.name for name in fields(cls)} & AdviceReply.model_fields.keys()
        return cls(source="service", **{name: getattr(reply, name) for name in shared})

    @classmethod
    def fallback(cls, settings: ClientSettings, reason: FallbackReason) -> Advice:
        """What the bot would do without an advisor."""
        return cls(
            advice=TradingAdvice.TRADE_FULL,
            win_probability=settings.base_rate,
            base_rate=settings.base_rate,
            suggested_risk_pct=settings.risk_per_trade_pct,
            suggested_sd_multiplier=settings.sd_multiplier,
            sd_multiplier=settings.sd_multiplier,
            source="fallback",
            reason=reason,
        )
