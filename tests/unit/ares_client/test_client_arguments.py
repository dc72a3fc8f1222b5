"""What may be handed over: any number there is, whatever library it comes from; a wrong type is named at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from ares_client import FallbackReason, MLFeatures, TradeOutcome
from ares_client._values import day, money, number, whole_number
from ares_client.testing import InMemoryAdvisor


@pytest.fixture
def advisor():
    with InMemoryAdvisor() as made:
        yield made


NUMBERS = [
    17,
    17.0,
    Decimal("17"),
    Fraction(17),
    np.float64(17),
    np.float32(17),
    np.int64(17),
    np.array(17.0),
]
NOT_NUMBERS = ["17", None, True, [17], np.array([17.0, 18.0]), 17j, object(), pd.NA]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_every_number_is_one(advisor, value):
    assert number("vix", value) == 17.0
    assert type(number("vix", value)) is float
    assert whole_number("day", value) == 17
    assert money("pnl", value) == Decimal(17)
    assert advisor.get_trading_advice(vix=value, price=value, day_of_week=3).source == "service"


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", ["vix", "price"])
def test_a_wrong_type_is_named_at_once(advisor, name, value):
    with pytest.raises(TypeError, match=name):
        advisor.get_trading_advice(**{"vix": 17.4, "price": 4512.5, name: value})


@pytest.mark.parametrize(("name", "value"), [("day_of_week", "Monday"), ("as_of", "now"), ("win_rate_30d", "high")])
def test_an_option_of_a_wrong_type_is_named_too(advisor, name, value):
    with pytest.raises(TypeError, match=name):
        advisor.get_trading_advice(vix=17.4, price=4512.5, **{name: value})


def test_an_argument_that_does_not_exist_is_named(advisor):
    with pytest.raises(TypeError, match="vxi"):
        advisor.get_trading_advice(vix=17.4, price=4512.5, vxi=1)
    with pytest.raises(TypeError, match="strike"):
        advisor.record_outcome(trade_date="2024-01-02", features={}, outcome="MAX_PROFIT", net_pnl=1, strike=2)


UNUSABLE = [
    float("nan"),
    float("inf"),
    0,
    -1,
    np.nan,
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("1e999"),
    10**400,
    4.99,
]


@pytest.mark.parametrize("vix", UNUSABLE, ids=lambda value: repr(value)[:12])
def test_market_data_that_cannot_be_is_a_fallback(advisor, vix):
    advice = advisor.get_trading_advice(vix=vix, price=4512.5)
    assert (advice.source, advice.reason) == ("fallback", FallbackReason.INVALID_MARKET_DATA)
    assert advisor.questions == []


@pytest.mark.parametrize("price", [float("nan"), 0, -1, 10**9])
def test_a_price_that_cannot_be_is_a_fallback(advisor, price):
    advice = advisor.get_trading_advice(vix=17.4, price=price)
    assert (advice.source, advice.reason) == ("fallback", FallbackReason.INVALID_MARKET_DATA)


@pytest.mark.parametrize(
    "options",
    [
        {"day_of_week": 7},
        {"day_of_week": 2.5},
        {"day_of_week": float("nan")},
        {"sd_multiplier": 2.0},
        {"as_of": datetime(2024, 1, 2, 9, 30)},  # noqa: DTZ001 - a moment without a zone is the point
    ],
)
def test_an_option_out_of_range_is_a_fallback(advisor, options):
    advice = advisor.get_trading_advice(vix=17.4, price=4512.5, **options)
    assert (advice.source, advice.reason) == ("fallback", FallbackReason.INVALID_REQUEST)


def test_a_hint_out_of_range_is_left_out_and_advice_is_given(advisor, caplog):
    advice = advisor.get_trading_advice(
        vix=17.4, price=4512.5, vix_change_1d=float("nan"), win_rate_30d=80, price_change_1d=-0.5
    )
    assert advice.source == "service"
    (question,) = advisor.questions
    assert (question.vix_change_1d, question.win_rate_30d, question.price_change_1d) == (None, None, -0.5)
    assert "vix_change_1d, win_rate_30d" in caplog.text


def test_none_is_nothing_said(advisor):
    advisor.get_trading_advice(vix=17.4, price=4512.5, day_of_week=None, sd_multiplier=None, as_of=None)
    (question,) = advisor.questions
    assert (question.day_of_week, question.sd_multiplier, question.as_of) == (None, 1.0, None)


def test_the_moment_of_entry_is_sent(advisor):
    moment = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    advisor.get_trading_advice(vix=17.4, price=4512.5, as_of=moment)
    assert advisor.questions[0].as_of == moment


@pytest.mark.parametrize(
    "value",
    [
        date(2024, 1, 2),
        datetime(2024, 1, 2, 23, 59, tzinfo=UTC),
        "2024-01-02",
        "2024-01-02T09:30:00",
        "2024-01-02 09:30:00-05:00",
        np.datetime64("2024-01-02"),
        np.datetime64("2024-01-02T09:30:00.123456789"),
        pd.Timestamp("2024-01-02 09:30", tz="America/New_York"),
        pd.Timestamp("2024-01-02T09:30:00.123456789"),
    ],
    ids=repr,
)
def test_every_way_to_write_a_day(value):
    assert day("trade_date", value) == date(2024, 1, 2)


@pytest.mark.parametrize("value", [None, 20240102, 1.7e9, True, [2024, 1, 2]], ids=repr)
def test_what_is_no_day_is_named(advisor, value):
    with pytest.raises(TypeError, match="trade_date"):
        advisor.record_outcome(trade_date=value, features={}, outcome="MAX_PROFIT", net_pnl=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("net_pnl", "142"),
        ("net_pnl", None),
        ("net_pnl", True),
        ("features", [17.4]),
        ("features", None),
        ("outcome", 1),
        ("outcome", None),
        ("trade_id", 1.5),
        ("trade_id", True),
        ("advice_id", 12),
        ("contracts", "ten"),
        ("sd_multiplier", "wide"),
    ],
)
def test_a_wrong_type_in_an_outcome_is_named_and_nothing_is_kept(advisor, name, value):
    arguments = {
        "trade_date": "2024-01-02",
        "features": MLFeatures(vix=17.4, price=4512.5),
        "outcome": TradeOutcome.MAX_PROFIT,
        "net_pnl": 142.5,
        name: value,
    }
    with pytest.raises(TypeError, match=name):
        advisor.record_outcome(**arguments)
    assert advisor.stats().pending == advisor.stats().quarantined == 0
