"""Client of the ARES ML Advisor: advice that never blocks the bot, and trades that are never lost."""

from ares_client._advice.advice import Advice
from ares_client._http.retraining import RetrainMetrics
from ares_client._outbox.outcomes import MLFeatures
from ares_client.advisor import Advisor, OutboxStats, RecordedOutcome
from ares_client.aio import AsyncAdvisor
from ares_client.contract import MarketDay, TradeOutcome, TradingAdvice
from ares_client.errors import (
    AdvisorError,
    BadReplyError,
    ConfigurationError,
    DeadlineExceededError,
    FallbackReason,
    NewerContractError,
    OutboxUnavailableError,
    OutcomeNotRecordedError,
    ServiceError,
    ServiceFailedError,
    ServiceRefusedError,
    ServiceUnreachableError,
)
from ares_client.settings import ClientSettings
from ares_client.shared import get_advisor, get_trading_advice

__all__ = [
    "Advice",
    "Advisor",
    "AdvisorError",
    "AsyncAdvisor",
    "BadReplyError",
    "ClientSettings",
    "ConfigurationError",
    "DeadlineExceededError",
    "FallbackReason",
    "MLFeatures",
    "MarketDay",
    "NewerContractError",
    "OutboxStats",
    "OutboxUnavailableError",
    "OutcomeNotRecordedError",
    "RecordedOutcome",
    "RetrainMetrics",
    "ServiceError",
    "ServiceFailedError",
    "ServiceRefusedError",
    "ServiceUnreachableError",
    "TradeOutcome",
    "TradingAdvice",
    "get_advisor",
    "get_trading_advice",
]
