"""What may be handed over: any number there is, whatever library it comes from; a wrong type is named at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ares_client import ClientSettings, FallbackReason, MLFeatures, TradeOutcome
from ares_client._values import Number, day, money, number, whole_number
from ares_client.testing import InMemoryAdvisor
from tests.support.client_support import PATIENT_SECONDS


@pytest.fixture
def advisor() -> Iterator[InMemoryAdvisor]:
    with InMemoryAdvisor(ClientSettings(outbox=Path(), deadline_seconds=PATIENT_SECONDS)) as made:
        yield made


NUMBERS: dict[str, Number] = {
    "int": 17,
    "float": 17.0,
    "Decimal": Decimal("17"),
    "Fraction": Fraction(17),
    "float64": np.float64(17),
    "float32": np.float32(17),
    "int64": np.int64(17),
    "array of one": np.array(17.0),
}
NOT_NUMBERS: dict[str, object] = {
    "text": "17",
    "None": None,
    "bool": True,
    "list": [17],
    "array of two": np.array([17.0, 18.0]),
    "complex": 17j,
    "object": object(),
    "NA": pd.NA,
}


@pytest.mark.parametrize("value", NUMBERS.values(), ids=NUMBERS)
def test_every_number_is_one(advisor: InMemoryAdvisor, value: Number) -> None:
    assert number("vix", value) == 17.0
    assert type(number("vix", value)) is float
    assert whole_number("day", value) == 17
    assert money("pnl", value) == Decimal(17)
    assert advisor.get_trading_advice(vix=value, price=value, day_of_week=3).source == "service"


@pytest.mark.parametrize("value", NOT_NUMBERS.values(), ids=NOT_NUMBERS)
@pytest.mark.parametrize("name", ["vix", "price"])
def test_a_wrong_type_is_named_at_once(advisor: InMemoryAdvisor, name: str, value: object) -> None:
    arguments: dict[str, Any] = {"vix": 17.4, "price": 4512.5, name: value}
    with pytest.raises(TypeError, match=name):
        advisor.get_trading_advice(**arguments)


@pytest.mark.parametrize(("name", "value"), [("day_of_week", "Monday"), ("as_of", "now"), ("win_rate_30d", "high")])
def test_an_option_of_a_wrong_type_is_named_too(advisor: InMemoryAdvisor, name: str, value: str) -> None:
    option: dict[str, Any] = {name: value}
    with pytest.raises(TypeError, match=name):
        advisor.get_trading_advice(vix=17.4, price=4512.5, **option)


def test_an_argument_that_does_not_exist_is_named(advisor: InMemoryAdvisor) -> None:
    with pytest.raises(TypeError, match="vxi"):
        advisor.get_trading_advice(vix=17.4, price=4512.5, vxi=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="strike"):
        advisor.record_outcome(
            trade_date="2024-01-02",
            features={},
            outcome="MAX_PROFIT",
            net_pnl=1,
            strike=2,  # type: ignore[call-arg]
        )


UNUSABLE: dict[str, Number] = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "zero": 0,
    "negative": -1,
    "NumPy's NaN": np.nan,
    "Decimal's NaN": Decimal("NaN"),
    "signalling NaN": Decimal("sNaN"),
    "Decimal above every float": Decimal("1e999"),
    "int above every float": 10**400,
    "below the range": 4.99,
}


@pytest.mark.parametrize("vix", UNUSABLE.values(), ids=UNUSABLE)
def test_market_data_that_cannot_be_is_a_fallback(advisor: InMemoryAdvisor, vix: Number) -> None:
    advice = advisor.get_trading_advice(vix=vix, price=4512.5)
    assert (advice.source, advice.reason) == ("fallback", FallbackReason.INVALID_MARKET_DATA)
    assert advisor.questions == []


@pytest.mark.parametrize("price", [float("nan"), 0, -1, 10**9])
def test_a_price_that_cannot_be_is_a_fallback(advisor: InMemoryAdvisor, price: float) -> None:
    advice = advisor.get_trading_advice(vix=17.4, price=price)
    assert (advice.source, advice.reason) == ("fallback", FallbackReason.INVALID_MARKET_DATA)


OUT_OF_RANGE: dict[str, dict[str, Any]] = {
    "an eighth day": {"day_of_week": 7},
    "half a day": {"day_of_week": 2.5},
    "no day": {"day_of_week": float("nan")},
    "too wide": {"sd_multiplier": 2.0},
    "a moment without a zone": {"as_of": datetime(2024, 1, 2, 9, 30)},  # noqa: DTZ001
}


@pytest.mark.parametrize("options", OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_an_option_out_of_range_is_a_fallback(advisor: InMemoryAdvisor, options: dict[str, Any]) -> None:
    advice = advisor.get_trading_advice(vix=17.4, price=4512.5, **options)
    assert (advice.source, advice.reason) == ("fallback", FallbackReason.INVALID_REQUEST)


def test_a_hint_out_of_range_is_left_out_and_advice_is_given(
    advisor: InMemoryAdvisor, caplog: pytest.LogCaptureFixture
) -> None:
    advice = advisor.get_trading_advice(
        vix=17.4, price=4512.5, vix_change_1d=float("nan"), win_rate_30d=80, price_change_1d=-0.5
    )
    assert advice.source == "service"
    (question,) = advisor.questions
    assert (question.vix_change_1d, question.win_rate_30d, question.price_change_1d) == (None, None, -0.5)
    assert "vix_change_1d, win_rate_30d" in caplog.text


def test_none_is_nothing_said(advisor: InMemoryAdvisor) -> None:
    advisor.get_trading_advice(vix=17.4, price=4512.5, day_of_week=None, sd_multiplier=None, as_of=None)
    (question,) = advisor.questions
    assert (question.day_of_week, question.sd_multiplier, question.as_of) == (None, 1.0, None)


def test_the_moment_of_entry_is_sent(advisor: InMemoryAdvisor) -> None:
    moment = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    advisor.get_trading_advice(vix=17.4, price=4512.5, as_of=moment)
    assert advisor.questions[0].as_of == moment


DAYS: dict[str, object] = {
    "date": date(2024, 1, 2),
    "datetime": datetime(2024, 1, 2, 23, 59, tzinfo=UTC),
    "text": "2024-01-02",
    "text with a time": "2024-01-02T09:30:00",
    "text with a zone": "2024-01-02 09:30:00-05:00",
    "datetime64 in days": np.datetime64("2024-01-02"),
    "datetime64 in nanoseconds": np.datetime64("2024-01-02T09:30:00.123456789"),
    "Timestamp with a zone": pd.Timestamp("2024-01-02 09:30", tz="America/New_York"),
    "Timestamp in nanoseconds": pd.Timestamp("2024-01-02T09:30:00.123456789"),
}
NO_DAYS: dict[str, object] = {
    "None": None,
    "digits": 20240102,
    "seconds": 1.7e9,
    "bool": True,
    "list": [2024, 1, 2],
}


@pytest.mark.parametrize("value", DAYS.values(), ids=DAYS)
def test_every_way_to_write_a_day(value: object) -> None:
    assert day("trade_date", value) == date(2024, 1, 2)


@pytest.mark.parametrize("value", NO_DAYS.values(), ids=NO_DAYS)
def test_what_is_no_day_is_named(advisor: InMemoryAdvisor, value: Any) -> None:
    with pytest.raises(TypeError, match="trade_date"):
        advisor.record_outcome(trade_date=value, features={}, outcome="MAX_PROFIT", net_pnl=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("net_pnl", "142"),
        ("net_pnl", None),
        ("net_pnl", True),
        pytest.param("features", [17.4], id="features-list"),
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
def test_a_wrong_type_in_an_outcome_is_named_and_nothing_is_kept(
    advisor: InMemoryAdvisor, name: str, value: object
) -> None:
    arguments: dict[str, Any] = {
        "trade_date": "2024-01-02",
        "features": MLFeatures(vix=17.4, price=4512.5),
        "outcome": TradeOutcome.MAX_PROFIT,
        "net_pnl": 142.5,
        name: value,
    }
    with pytest.raises(TypeError, match=name):
        advisor.record_outcome(**arguments)
    assert advisor.stats().pending == advisor.stats().quarantined == 0
