"""Quotes and the bot's own risk: what is sent, what is left out, and what no service can exceed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ares_client import ClientSettings
from ares_client.contract import AdviceRequest
from ares_client.testing import InMemoryAdvisor
from tests.support.client_support import PATIENT_SECONDS

VIX, PRICE = 17.4, 4512.5


@pytest.fixture
def advisor() -> Iterator[InMemoryAdvisor]:
    settings = ClientSettings(outbox=Path(), deadline_seconds=PATIENT_SECONDS, risk_per_trade_pct=4.0)
    with InMemoryAdvisor(settings) as made:
        yield made


def asked(advisor: InMemoryAdvisor) -> AdviceRequest:
    return advisor.questions[-1]


@pytest.mark.parametrize("credit", [0.85, Decimal("0.85"), np.float64(0.85)], ids=["float", "Decimal", "NumPy"])
def test_a_credit_is_sent(advisor: InMemoryAdvisor, credit: Any) -> None:
    advice = advisor.get_trading_advice(vix=VIX, price=PRICE, credit_points=credit, wing_points=10)
    assert (asked(advisor).credit_points, asked(advisor).wing_points) == (0.85, 10.0)
    assert "quote_ignored" not in advice.reasons


def test_a_table_of_credits_is_sent_by_multiplier(advisor: InMemoryAdvisor) -> None:
    advisor.get_trading_advice(vix=VIX, price=PRICE, credit_points={0.8: 1.2, Decimal(1): np.float32(0.5)})
    assert asked(advisor).quoted == {0.8: 1.2, 1.0: 0.5}


UNUSABLE: dict[str, dict[str, Any]] = {
    "0": {"credit_points": 0},
    "negative": {"credit_points": -0.4},
    "NaN": {"credit_points": math.nan},
    "infinite": {"credit_points": math.inf},
    "as wide as the wings": {"credit_points": 5.0, "wing_points": 5},
    "without wings": {"credit_points": 0.85, "wing_points": 0},
    "wings that are no number": {"credit_points": 0.85, "wing_points": math.nan},
    "an empty table": {"credit_points": {}},
    "a NaN in a table": {"credit_points": {1.0: math.nan}},
    "one multiplier twice": {"credit_points": {1: 0.85, "one": 0.9}},
}


@pytest.mark.parametrize("quote", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_quote_is_left_out_and_advice_is_given(
    advisor: InMemoryAdvisor, quote: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    if isinstance(quote["credit_points"], dict) and "one" in quote["credit_points"]:
        quote = {"credit_points": {np.float64(1.0): 0.85, Decimal("1.0000000000000000001"): 0.9}}
    advice = advisor.get_trading_advice(vix=VIX, price=PRICE, **quote)
    assert advice.source == "service"
    assert advice.reasons == ["quote_ignored"]
    assert (asked(advisor).credit_points, asked(advisor).wing_points) == (None, None)
    assert "credit_points" in caplog.text


NO_NUMBERS: dict[str, Any] = {
    "text": "0.85",
    "a list": [0.85],
    "an object": object(),
    "multipliers of text": {"1.0": 0.85},
    "credits of text": {1.0: "0.85"},
}


@pytest.mark.parametrize("credit", NO_NUMBERS.values(), ids=NO_NUMBERS.keys())
def test_what_is_no_number_is_named_at_once(advisor: InMemoryAdvisor, credit: Any) -> None:
    with pytest.raises(TypeError, match="credit_points"):
        advisor.get_trading_advice(vix=VIX, price=PRICE, credit_points=credit)


def test_the_quotes_nearest_to_the_multiplier_asked_for_are_sent(advisor: InMemoryAdvisor) -> None:
    many = {round(0.6 + at / 20, 2): 1.0 for at in range(21)}
    advice = advisor.get_trading_advice(vix=VIX, price=PRICE, sd_multiplier=1.1, credit_points=many)
    assert sorted(asked(advisor).quoted) == pytest.approx([0.85 + at / 20 for at in range(11)])
    assert advice.reasons == ["quote_ignored"]


def test_a_missing_value_of_pandas_is_no_wrong_type(advisor: InMemoryAdvisor) -> None:
    table: dict[float, Any] = {1.0: pd.NA, 0.9: 1.0}
    advice = advisor.get_trading_advice(vix=VIX, price=PRICE, credit_points=table)
    assert asked(advisor).quoted == {0.9: 1.0}
    assert advice.reasons == ["quote_ignored"]


def test_the_bots_own_risk_is_sent(advisor: InMemoryAdvisor) -> None:
    advisor.get_trading_advice(vix=VIX, price=PRICE)
    assert asked(advisor).risk_per_trade_pct == 4.0
    advisor.get_trading_advice(vix=VIX, price=PRICE, risk_per_trade_pct=1.5)
    assert asked(advisor).risk_per_trade_pct == 1.5
    assert asked(advisor).risk_per_trade_pct == 1.5


@pytest.mark.parametrize("limit", [math.nan, -1.0, 101.0, math.inf])
def test_a_limit_that_makes_no_sense_is_the_bots_own_and_says_so(advisor: InMemoryAdvisor, limit: float) -> None:
    advice = advisor.get_trading_advice(vix=VIX, price=PRICE, risk_per_trade_pct=limit)
    assert asked(advisor).risk_per_trade_pct == 4.0
    assert advice.reasons == ["limit_ignored"]
    advisor.will_fail()
    fallback = advisor.get_trading_advice(vix=VIX, price=PRICE, risk_per_trade_pct=limit)
    assert (fallback.suggested_risk_pct, fallback.reasons) == (4.0, ["limit_ignored"])
    with pytest.raises(TypeError, match="risk_per_trade_pct"):
        advisor.get_trading_advice(vix=VIX, price=PRICE, risk_per_trade_pct="much")  # type: ignore[arg-type]


PARTS: dict[str, dict[Any, Any]] = {
    "no bid far out": {1.0: 0.85, 1.4: None},
    "a NaN": {1.0: 0.85, 0.8: math.nan},
    "off the grid": {1.0: 0.85, 3.0: 0.1},
    "nothing": {1.0: 0.85, 1.2: 0},
}


@pytest.mark.parametrize("table", PARTS.values(), ids=PARTS.keys())
def test_an_entry_that_makes_no_sense_does_not_cost_the_others(advisor: InMemoryAdvisor, table: dict[Any, Any]) -> None:
    advice = advisor.get_trading_advice(vix=VIX, price=PRICE, credit_points=table)
    assert asked(advisor).quoted == {1.0: 0.85}
    assert advice.reasons == ["quote_ignored"]


def test_no_service_can_suggest_more_than_the_bots_own_risk(advisor: InMemoryAdvisor) -> None:
    advisor.will_answer(suggested_risk_pct=10.0)
    advice = advisor.get_trading_advice(vix=VIX, price=PRICE)
    assert (advice.suggested_risk_pct, advice.risk_fraction) == (4.0, 1.0)
    smaller = advisor.get_trading_advice(vix=VIX, price=PRICE, risk_per_trade_pct=1.0)
    assert (smaller.suggested_risk_pct, smaller.risk_fraction) == (1.0, 1.0)
    for given in (1.0, 0.0):
        advisor.will_fail()
        fallback = advisor.get_trading_advice(vix=VIX, price=PRICE, risk_per_trade_pct=given)
        assert (fallback.source, fallback.suggested_risk_pct) == ("fallback", given)
        no_market = advisor.get_trading_advice(vix=math.nan, price=PRICE, risk_per_trade_pct=given)
        assert (no_market.source, no_market.suggested_risk_pct) == ("fallback", given)
        advisor.will_answer(suggested_risk_pct=10.0)
    larger = advisor.get_trading_advice(vix=VIX, price=PRICE, risk_per_trade_pct=50.0)
    assert larger.suggested_risk_pct == 4.0
    advisor.will_answer(suggested_risk_pct=1.0)
    assert advisor.get_trading_advice(vix=VIX, price=PRICE).risk_fraction == 0.25


def test_zero_means_zero() -> None:
    with InMemoryAdvisor(ClientSettings(outbox=Path(), risk_per_trade_pct=0.0)) as advisor:
        advice = advisor.get_trading_advice(vix=VIX, price=PRICE)
        assert asked(advisor).risk_per_trade_pct == 0.0
        assert (advice.suggested_risk_pct, advice.risk_fraction) == (0.0, 0.0)
        advisor.will_fail()
        fallback = advisor.get_trading_advice(vix=VIX, price=PRICE)
        assert (fallback.suggested_risk_pct, fallback.risk_fraction) == (0.0, 0.0)
