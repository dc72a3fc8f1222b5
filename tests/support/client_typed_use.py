"""A bot's use of the client, as a strict type checker sees it; it is checked and never run."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import assert_type
from uuid import UUID

from ares_client import (
    Advice,
    Advisor,
    AsyncAdvisor,
    ClientSettings,
    FallbackReason,
    MarketDay,
    MLFeatures,
    OutboxStats,
    RecordedOutcome,
    RetrainMetrics,
    TradeOutcome,
    TradingAdvice,
    get_advisor,
    get_trading_advice,
)
from ares_client.contract import MarketDaysReply, ModelInfo
from ares_client.testing import InMemoryAdvisor, installed


def advice() -> None:
    answer = get_trading_advice(vix=17.4, day_of_week=1, price=Decimal("4512.5"), win_rate_30d=0.8)
    assert_type(answer, Advice)
    assert_type(answer.advice, TradingAdvice)
    assert_type(answer.win_probability, float)
    assert_type(answer.suggested_risk_pct, float)
    assert_type(answer.suggested_sd_multiplier, float)
    assert_type(answer.reason, FallbackReason | None)
    assert_type(answer.advice_id, UUID | None)
    get_trading_advice(vix="17.4", price=4512.5)  # type: ignore[arg-type]
    get_trading_advice(vix=17.4, price=4512.5, vxi=1)  # type: ignore[call-arg]


def outcomes() -> None:
    features = MLFeatures(vix=17.4, price=4512.5, expected_move_pct=1.1)
    kept = get_advisor().record_outcome(
        trade_date=date(2024, 1, 2),
        features=features,
        outcome=TradeOutcome.MAX_PROFIT,
        net_pnl=142,
        contracts=2,
    )
    assert_type(kept, RecordedOutcome)
    assert_type(get_advisor().stats(), OutboxStats)
    metrics = get_advisor().retrain_from_outcomes(min_new_samples=50)
    assert_type(metrics, RetrainMetrics | None)
    if metrics:
        assert_type(metrics.model_version, str)


def operations(days: list[MarketDay]) -> None:
    with Advisor(ClientSettings(url="http://127.0.0.1:8000", api_key="key")) as advisor:
        assert_type(advisor, Advisor)
        assert_type(advisor.push_model(Path("model.ares"), activate=True), ModelInfo)
        assert_type(advisor.push_market_days(days), MarketDaysReply)
        assert_type(advisor.models(), list[ModelInfo])


async def in_a_loop() -> None:
    async with AsyncAdvisor() as advisor:
        assert_type(await advisor.get_trading_advice(vix=17.4, price=4512.5), Advice)
        assert_type(
            await advisor.record_outcome(
                trade_date="2024-01-02", features={"vix": 17.4}, outcome="MAX_PROFIT", net_pnl=1
            ),
            RecordedOutcome,
        )
        assert_type(await advisor.retrain_from_outcomes(), RetrainMetrics | None)


def in_tests() -> None:
    with installed(InMemoryAdvisor()) as advisor:
        assert_type(advisor, InMemoryAdvisor)
        advisor.will_answer(advice=TradingAdvice.SKIP_TODAY)
