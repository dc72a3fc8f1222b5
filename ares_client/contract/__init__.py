"""The wire contract: what ARES and the service say to each other, and the ranges they accept.

Requests forbid unknown fields and refuse values that are not finite or out of range; replies may grow.
"""

from ares_client.contract.advice import CONTRACT_VERSION, AdviceReply, AdviceRequest, CurvePoint, Factor, FeatureValue
from ares_client.contract.market_days import MAX_MARKET_DAYS_PER_REQUEST, MarketDay, MarketDays, MarketDaysReply
from ares_client.contract.models import Metrics, ModelInfo
from ares_client.contract.outcomes import (
    MAX_OUTCOMES_PER_BATCH,
    MAX_REPORTED_FEATURES,
    Outcome,
    OutcomeBatch,
    OutcomeBatchReply,
    OutcomeResult,
)
from ares_client.contract.problem import Problem
from ares_client.contract.retrain import RetrainNotNeeded, RetrainRequest, RetrainRun
from ares_client.contract.values import (
    MAX_IDENTIFIER_LENGTH,
    Day,
    Dollars,
    Identifier,
    IndexPoints,
    Percent,
    Probability,
    SdMultiplier,
    Timestamp,
    TradeOutcome,
    TradingAdvice,
    VixPoints,
)

__all__ = [
    "CONTRACT_VERSION",
    "MAX_IDENTIFIER_LENGTH",
    "MAX_MARKET_DAYS_PER_REQUEST",
    "MAX_OUTCOMES_PER_BATCH",
    "MAX_REPORTED_FEATURES",
    "AdviceReply",
    "AdviceRequest",
    "CurvePoint",
    "Day",
    "Dollars",
    "Factor",
    "FeatureValue",
    "Identifier",
    "IndexPoints",
    "MarketDay",
    "MarketDays",
    "MarketDaysReply",
    "Metrics",
    "ModelInfo",
    "Outcome",
    "OutcomeBatch",
    "OutcomeBatchReply",
    "OutcomeResult",
    "Percent",
    "Probability",
    "Problem",
    "RetrainNotNeeded",
    "RetrainRequest",
    "RetrainRun",
    "SdMultiplier",
    "Timestamp",
    "TradeOutcome",
    "TradingAdvice",
    "VixPoints",
]
