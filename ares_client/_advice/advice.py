"""`Advice`: the service's answer, or the bot's own configuration and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

from ares_client.contract import AdviceReply, CurvePoint, Factor, FeatureValue, QuoteValue, TradingAdvice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from uuid import UUID

    from ares_client.errors import FallbackReason
    from ares_client.settings import ClientSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to do with today's trade. `source` says where it comes from; a fallback has a `reason` and no model.

    `suggested_risk_pct` is in % of the account and never above the bot's own `risk_per_trade_pct`, nor the call's;
    `risk_fraction` is the same as a fraction of the lower of the two. Multipliers are in expected moves, and
    probabilities run from 0 to 1. The other fields are as in `AdviceReply`. Among the reasons, `quote_ignored` means
    that a credit could not be used, `limit_ignored` that the call's limit of risk could not.
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
    listed_fair_credit_points: float | None = None
    breakeven_win_probability: float | None = None
    expected_pnl_points: float | None = None
    edge_points: float | None = None
    quotes: list[QuoteValue] = field(default_factory=list)
    session: date | None = None
    as_of: datetime | None = None

    @classmethod
    def from_reply(cls, reply: AdviceReply, largest_risk_pct: float, notes: Iterable[str] = ()) -> Advice:
        """The service's answer, within the trade's own limit, whatever the service suggests."""
        shared = {name.name for name in fields(cls)} & AdviceReply.model_fields.keys()
        values = {name: getattr(reply, name) for name in shared}
        values["suggested_risk_pct"] = risk = min(reply.suggested_risk_pct, largest_risk_pct)
        values["risk_fraction"] = risk / largest_risk_pct if largest_risk_pct > 0 else 0.0
        values["reasons"] = [*reply.reasons, *sorted(set(notes) - set(reply.reasons))]
        return cls(source="service", **values)

    @classmethod
    def fallback(
        cls,
        settings: ClientSettings,
        reason: FallbackReason,
        largest_risk_pct: float | None = None,
        notes: Iterable[str] = (),
    ) -> Advice:
        """What the bot would do without an advisor, within the trade's own limit where the call gave one."""
        risk = settings.risk_per_trade_pct if largest_risk_pct is None else largest_risk_pct
        return cls(
            advice=TradingAdvice.TRADE_FULL,
            win_probability=settings.base_rate,
            base_rate=settings.base_rate,
            suggested_risk_pct=risk,
            risk_fraction=1.0 if risk > 0 else 0.0,
            suggested_sd_multiplier=settings.sd_multiplier,
            sd_multiplier=settings.sd_multiplier,
            source="fallback",
            reason=reason,
            reasons=sorted(notes),
        )
