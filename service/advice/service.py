"""Computes advice from memory: features, probability, policy, and the reasons behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import structlog

from ares_client.contract import AdviceReply, AdviceRequest
from kronos.errors import MarketDataError
from kronos.market.clock import Clock
from kronos.market.sessions import exchange_sessions
from kronos.model.policy import Policy
from kronos.model.prediction import ExplainedPrediction
from service.advice.log import AdviceLog
from service.advice.money import Money, fields_of, value_condors
from service.advice.resolve import ResolvedFeatures, resolve
from service.errors import OutsideCalendarError
from service.metrics import ServiceMetrics
from service.replica.bars import BarsHolder
from service.replica.model import ModelHolder, ServedModel
from service.replica.recent_rates import RecentRates


@dataclass(frozen=True, slots=True)
class AdviceRules:
    """What the operator may set: a policy that replaces the model's, and how old training data may be."""

    policy: Policy | None
    model_max_age: timedelta


class AdviceService:
    """Gives advice without a database: model and bars are in memory, and the log is written asynchronously."""

    def __init__(
        self,
        models: ModelHolder,
        market: BarsHolder,
        log: AdviceLog,
        rules: AdviceRules,
        clock: Clock,
        metrics: ServiceMetrics,
    ) -> None:
        self._models = models
        self._market = market
        self._log = log
        self._rules = rules
        self._clock = clock
        self._metrics = metrics
        self._recent = RecentRates()

    def advise(self, request: AdviceRequest) -> AdviceReply:
        """Answer one request with exactly one model version.

        Raises
        ------
        NoModelError, OutsideCalendarError
        """
        served = self._models.require()
        structlog.contextvars.bind_contextvars(bot=request.bot, model_version=served.version)
        now = self._clock()
        as_of = request.as_of or now
        try:
            features = resolve(request, as_of, served.model, self._market.history, exchange_sessions(), served.silenced)
        except MarketDataError as error:
            raise OutsideCalendarError(str(error)) from error
        prediction = served.model.predict(features.variant, features.values, request.sd_multiplier, served.silenced)
        reply = self._reply(uuid4(), request, as_of, served, features, prediction)
        self._log.put(request, reply, served.model.trained_through, now)
        self._metrics.advice.labels(reply.advice.value, reply.status, reply.variant).inc()
        return reply

    def _reply(
        self,
        advice_id: UUID,
        request: AdviceRequest,
        as_of: datetime,
        served: ServedModel,
        features: ResolvedFeatures,
        prediction: ExplainedPrediction,
    ) -> AdviceReply:
        policy = self._rules.policy or served.model.policy
        money = value_condors(request, served.model, prediction, policy)
        recent = self._recent_rate(request, served, features)
        notes, limits = self._reasons(as_of, served, features, prediction)
        notes += [name for name, holds in _money_notes(request, money, policy, recent).items() if holds]
        quote = None if money is None or money.quote is None else money.quote.worth
        if quote is not None and quote.is_implausible:
            limits.append("implausible_quote")
        decision = policy.decide(
            prediction,
            recent_rate=recent if prediction.has_skill else None,
            quote=quote,
            largest_risk_pct=request.risk_per_trade_pct,
            may_trade_full=not limits or limits == ["no_skill"],
        )
        return AdviceReply.model_validate(
            {
                "advice_id": advice_id,
                "advice": decision.advice.value,
                "win_probability": prediction.probability,
                "base_rate": prediction.base_rate,
                "sd_multiplier": request.sd_multiplier,
                "suggested_risk_pct": decision.suggested_risk_pct,
                "risk_fraction": decision.risk_fraction,
                "suggested_sd_multiplier": request.sd_multiplier,
                "recent_rate": recent,
                **fields_of(money),
                "curve": _curve(prediction, money),
                "status": "degraded" if limits else "ok",
                "reasons": limits + notes,
                "variant": features.variant,
                "variant_name": features.variant,
                "features": {
                    name: {"value": value, "source": features.sources[name]} for name, value in features.values.items()
                },
                "base_log_odds": prediction.base_log_odds,
                "top_factors": [{"feature": name, "log_odds": value} for name, value in prediction.factors],
                "session": features.session,
                "as_of": as_of,
                "model_version": served.version,
            }
        )

    def _recent_rate(self, request: AdviceRequest, served: ServedModel, features: ResolvedFeatures) -> float | None:
        model = served.model
        rates = self._recent.before(features.session, self._market.history, model.spec, model.multipliers)
        rate = float(np.interp(request.sd_multiplier, model.multipliers, rates))
        return None if np.isnan(rate) else rate

    def _reasons(
        self, as_of: datetime, served: ServedModel, features: ResolvedFeatures, prediction: ExplainedPrediction
    ) -> tuple[list[str], list[str]]:
        """The reasons that only inform, and those that degrade the answer."""
        notes = {
            "reduced_variant": features.variant != served.model.richest.name,
            "feature_mismatch": features.mismatch,
            "not_a_session": features.market_closed,
            "no_skill_here": prediction.has_skill and not prediction.has_skill_here,
        }
        age = features.session - served.model.trained_through
        limits = {
            "expired": age > self._rules.model_max_age,
            "out_of_domain": prediction.out_of_domain,
            "no_skill": not prediction.has_skill,
        }
        return [name for name, holds in notes.items() if holds], [name for name, holds in limits.items() if holds]


def _money_notes(
    request: AdviceRequest, money: Money | None, policy: Policy, recent_rate: float | None
) -> dict[str, bool]:
    """What the reader should know of the quote, the decision and the size."""
    others = [] if money is None else [one.worth for one in money.quotes if one is not money.quote]
    return {
        "quote_ignored": bool(request.quoted) and money is None,
        "no_quote_here": money is not None and bool(money.quotes) and money.quote is None,
        "implausible_quote_elsewhere": any(worth.is_implausible for worth in others),
        "no_recent_rate": policy.relative_to == "recent" and recent_rate is None,
        "no_surviving_size": policy.risk_cap_pct == 0,
    }


def _curve(prediction: ExplainedPrediction, money: Money | None) -> list[dict[str, Any]]:
    points = [
        {"sd_multiplier": float(m), "win_probability": float(p), "base_rate": float(base)}
        for m, p, base in zip(prediction.multipliers, prediction.curve, prediction.base_rates, strict=True)
    ]
    if money is None:
        return points
    priced = zip(points, money.by_point, money.breakeven_by_point, strict=True)
    return [
        point | {"fair_credit_points": float(fair), "breakeven_win_probability": float(needed)}
        for point, fair, needed in priced
    ]
