"""The wire contract: the messages between client and service, and the ranges that they accept.

A request must not contain unknown fields, or values that are not finite or out of range. A reply may gain fields.
"""

from ares_client.contract.advice import CONTRACT_VERSION, AdviceReply, AdviceRequest, CurvePoint, Factor, FeatureValue
from ares_client.contract.market_days import MAX_MARKET_DAYS_PER_REQUEST, MarketDay, MarketDays, MarketDaysReply
from ares_client.contract.models import Metrics, ModelInfo
from ares_client.contract.outcomes import (
    MAX_OUTCOMES_PER_BATCH,
    MAX_OUTCOMES_PER_PAGE,
    MAX_REPORTED_FEATURES,
    Outcome,
    OutcomeBatch,
    OutcomeBatchReply,
    OutcomePage,
    OutcomeResult,
    StoredOutcome,
)
from ares_client.contract.performance import (
    AdvicePerformance,
    AdvisedSessions,
    FeatureDrift,
    LeftOut,
    LiveCalibration,
    Performance,
    ReliabilityBin,
    ReportedMoney,
    SkippedSessions,
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
    "MAX_OUTCOMES_PER_PAGE",
    "MAX_REPORTED_FEATURES",
    "AdvicePerformance",
    "AdviceReply",
    "AdviceRequest",
    "AdvisedSessions",
    "CurvePoint",
    "Day",
    "Dollars",
    "Factor",
    "FeatureDrift",
    "FeatureValue",
    "Identifier",
    "IndexPoints",
    "LeftOut",
    "LiveCalibration",
    "MarketDay",
    "MarketDays",
    "MarketDaysReply",
    "Metrics",
    "ModelInfo",
    "Outcome",
    "OutcomeBatch",
    "OutcomeBatchReply",
    "OutcomePage",
    "OutcomeResult",
    "Percent",
    "Performance",
    "Probability",
    "Problem",
    "ReliabilityBin",
    "ReportedMoney",
    "RetrainNotNeeded",
    "RetrainRequest",
    "RetrainRun",
    "SdMultiplier",
    "SkippedSessions",
    "StoredOutcome",
    "Timestamp",
    "TradeOutcome",
    "TradingAdvice",
    "VixPoints",
]
