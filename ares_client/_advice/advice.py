"""`Advice`: the service's answer, or the bot's own configuration and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final, Literal

from ares_client.contract import AdviceReply, CurvePoint, Factor, FeatureValue, QuoteValue, TradingAdvice

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from ares_client.errors import FallbackReason
    from ares_client.settings import ClientSettings


QUOTE_IGNORED: Final = "quote_ignored"
"""A reason that the client adds: the bot's quote could not be used, and the advice was given without it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to do with today's trade. `source` says where it comes from; a fallback has a `reason` and no model.

    `suggested_risk_pct` is in % of the account and never above the bot's own `risk_per_trade_pct`; `risk_fraction` is
    the same as a fraction of it. Multipliers are in expected moves, and probabilities run from 0 to 1. The other fields
    are as in `AdviceReply`. `quote_ignored` among the reasons means that a credit could not be used.
    """

    advice: TradingAdvice
    win_probability: float
    base_rate: float
    suggested_risk_pct: float
    risk_fraction: float
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
    recent_rate: float | None = None
    wing_points: float | None = None
    fair_credit_points: float | None = None
    breakeven_win_probability: float | None = None
    expected_pnl_points: float | None = None
    edge_points: float | None = None
    quotes: list[QuoteValue] = field(default_factory=list)
    session: date | None = None
    as_of: datetime | None = None

    @classmethod
    def from_reply(cls, reply: AdviceReply, largest_risk_pct: float, *, quote_ignored: bool = False) -> Advice:
        """The service's answer, within the bot's own risk, whatever the service suggests."""
        shared = {name.name for name in fields(cls)} & AdviceReply.model_fields.keys()
        values = {name: getattr(reply, name) for name in shared}
        values["suggested_risk_pct"] = risk = min(reply.suggested_risk_pct, largest_risk_pct)
        values["risk_fraction"] = risk / largest_risk_pct if largest_risk_pct > 0 else 0.0
        if quote_ignored:
            values["reasons"] = [*reply.reasons, QUOTE_IGNORED]
        return cls(source="service", **values)

    @classmethod
    def fallback(cls, settings: ClientSettings, reason: FallbackReason) -> Advice:
        """What the bot would do without an advisor."""
        return cls(
            advice=TradingAdvice.TRADE_FULL,
            win_probability=settings.base_rate,
            base_rate=settings.base_rate,
            suggested_risk_pct=settings.risk_per_trade_pct,
            risk_fraction=1.0 if settings.risk_per_trade_pct > 0 else 0.0,
            suggested_sd_multiplier=settings.sd_multiplier,
            sd_multiplier=settings.sd_multiplier,
            source="fallback",
            reason=reason,
        )
