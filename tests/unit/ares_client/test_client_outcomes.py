"""From a closed trade to the text that travels: nothing is turned away, the same trade is the same text."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ares_client import MLFeatures, TradeOutcome
from ares_client._outbox.outcomes import DETAILS, PreparedOutcome, prepare_outcome
from ares_client.contract import MAX_IDENTIFIER_LENGTH, MAX_REPORTED_FEATURES, Outcome
from ares_client.testing import InMemoryAdvisor

GUIDE_FEATURES = MLFeatures(
    vix=17.4,
    vix_percentile_30d=50,
    vix_change_1d=0,
    day_of_week=1,
    price=4512.5,
    price_change_1d=0,
    expected_move_pct=1.1,
    win_rate_30d=0.8,
    avg_pnl_30d=12.5,
)


def prepare(*, details: dict[str, object] | None = None, **changes: object) -> PreparedOutcome:
    trade: dict[str, Any] = {
        "trade_date": "2024-01-02",
        "features": GUIDE_FEATURES,
        "outcome": TradeOutcome.MAX_PROFIT,
        "net_pnl": 142.5,
        "trade_id": None,
        **changes,
    }
    return prepare_outcome("ares", **trade, details=details or {})


def received(prepared: PreparedOutcome) -> Outcome:
    """The outcome as a service that keeps to the contract reads it."""
    return Outcome.model_validate(json.loads(prepared.body))


def test_the_guides_outcome() -> None:
    outcome = received(prepare())
    assert outcome.bot == "ares"
    assert outcome.trade_date.isoformat() == "2024-01-02"
    assert outcome.outcome is TradeOutcome.MAX_PROFIT
    assert outcome.net_pnl == Decimal("142.5")
    assert outcome.features == {
        "vix": 17.4,
        "vix_percentile_30d": 50.0,
        "vix_change_1d": 0.0,
        "day_of_week": 1.0,
        "price": 4512.5,
        "price_change_1d": 0.0,
        "expected_move_pct": 1.1,
        "win_rate_30d": 0.8,
        "avg_pnl_30d": 12.5,
    }


def test_everything_that_may_be_said() -> None:
    details: dict[str, object] = {
        "sd_multiplier": np.float64(1.2),
        "advice_id": "00000000-0000-0000-0000-00000000002a",
        "put_short_strike": 4450,
        "put_long_strike": 4440,
        "call_short_strike": 4560,
        "call_long_strike": 4570,
        "settlement_price": 4500.25,
        "contracts": np.int64(3),
        "credit": Decimal("1.05"),
    }
    assert details.keys() == DETAILS
    outcome = received(prepare(details=details))
    assert outcome.advice_id == UUID(int=42)
    assert (outcome.sd_multiplier, outcome.contracts, outcome.credit) == (1.2, 3, Decimal("1.05"))
    assert (outcome.put_long_strike, outcome.call_long_strike) == (4440, 4570)


def test_the_limits_are_the_contracts() -> None:
    features = {f"f{number}": 1.0 for number in range(MAX_REPORTED_FEATURES)}
    body = json.loads(prepare(features=features, trade_id="x" * MAX_IDENTIFIER_LENGTH).body)
    Outcome.model_validate(body)
    with pytest.raises(ValueError, match="features"):
        Outcome.model_validate(body | {"features": features | {"one_more": 1.0}})
    with pytest.raises(ValueError, match="trade_id"):
        Outcome.model_validate(body | {"trade_id": "x" * (MAX_IDENTIFIER_LENGTH + 1)})


def test_the_id_is_the_same_after_a_restart_and_another_for_another_trade() -> None:
    first = prepare()
    assert prepare().trade_id == first.trade_id
    again = {"win_rate_30d": 0.9, "avg_pnl_30d": 1.0, "vix": 17.4, "price": 4512.5, "expected_move_pct": 1.1}
    assert prepare(features=again, net_pnl=-1).trade_id == first.trade_id
    others = [
        prepare(trade_date="2024-01-03"),
        prepare(features={"vix": 17.5, "price": 4512.5, "expected_move_pct": 1.1}),
        prepare(features={"vix": 17.4, "price": 4512.6, "expected_move_pct": 1.1}),
        prepare(features={"vix": 17.4, "price": 4512.5, "expected_move_pct": 1.2}),
    ]
    assert len({first.trade_id, *(other.trade_id for other in others)}) == 5


def test_the_id_does_not_depend_on_how_the_same_values_are_written() -> None:
    as_numpy = {"vix": np.float64(17.4), "price": Decimal("4512.5"), "expected_move_pct": 1.1}
    assert prepare(features=as_numpy).trade_id == prepare().trade_id
    assert prepare(trade_date=np.datetime64("2024-01-02")).trade_id == prepare().trade_id


def test_the_same_trade_is_the_same_text() -> None:
    assert prepare(features={"a": 1, "b": 2}).body == prepare(features={"b": 2.0, "a": np.float32(1)}).body


@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ("IC-2024-01-02#1", "IC-2024-01-02#1"),
        (7, "7"),
        (np.int64(7), "7"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("two words", "two%20words"),
        ("Ärger", "%C3%84rger"),
    ],
    ids=["text", "int", "int64", "UUID", "two words", "umlaut"],
)
def test_the_bots_own_trade_id(own: object, sent: str) -> None:
    assert received(prepare(trade_id=own)).trade_id == sent


def test_a_trade_id_that_is_too_long_stays_one_of_its_own() -> None:
    ids = [received(prepare(trade_id="x" * 200 + end)).trade_id for end in ("a", "b")]
    assert len(set(ids)) == 2
    assert all(len(trade_id) == MAX_IDENTIFIER_LENGTH for trade_id in ids)


def test_an_empty_trade_id_is_none() -> None:
    assert prepare(trade_id="").trade_id == prepare().trade_id


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sd_multiplier", 2.0),
        ("contracts", 0),
        ("put_short_strike", -1.0),
        ("settlement_price", 10**9),
        ("credit", 10**12),
        ("contracts", 2.5),
    ],
)
def test_a_detail_without_a_place_in_the_contract_moves_to_the_features(
    name: str, value: float, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = received(prepare(details={name: value}))
    assert getattr(outcome, name) is None
    assert outcome.features[name] == value
    assert name in caplog.text


def test_a_detail_that_is_no_finite_number_leaves_its_name() -> None:
    outcome = received(prepare(details={"settlement_price": float("nan"), "advice_id": "not-an-id"}))
    assert outcome.features["settlement_price"] is None
    assert outcome.features["advice_id"] is None


def test_features_that_are_no_numbers_become_null() -> None:
    features = {"vix": float("nan"), "price": float("inf"), "note": "windy", "gap": None, "ok": 1}
    assert received(prepare(features=features)).features == {
        "vix": None,
        "price": None,
        "note": None,
        "gap": None,
        "ok": 1.0,
    }


def test_too_many_features_do_not_cost_the_trade() -> None:
    many = {f"feature {number}": number for number in range(MAX_REPORTED_FEATURES + 20)}
    outcome = received(prepare(features=many, details={"sd_multiplier": 9.0}))
    assert len(outcome.features) == MAX_REPORTED_FEATURES
    assert outcome.features["sd_multiplier"] == 9.0
    assert outcome.features["feature%200"] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("net_pnl", float("nan")),
        ("net_pnl", Decimal("sNaN")),
        ("net_pnl", float("-inf")),
        ("net_pnl", 10**12),
        ("trade_date", "2024-02-30"),
        ("trade_date", "yesterday"),
        ("outcome", "WON"),
    ],
    ids=["NaN", "signalling NaN", "infinity", "a trillion", "30 February", "yesterday", "unknown outcome"],
)
def test_a_trade_that_the_contract_cannot_carry_is_quarantined_whole(name: str, value: object) -> None:
    with InMemoryAdvisor() as advisor:
        trade: dict[str, Any] = {
            "trade_date": "2024-01-02",
            "features": GUIDE_FEATURES,
            "outcome": TradeOutcome.MAX_PROFIT,
            "net_pnl": 142.5,
            name: value,
        }
        kept = advisor.record_outcome(**trade, trade_id="t1")
        assert kept.kept_in == "quarantine"
        assert name in (kept.objection or "")
        assert advisor.outcomes == {}
        assert (advisor.stats().pending, advisor.stats().quarantined) == (0, 1)


anything = st.one_of(st.floats(), st.integers(), st.decimals(), st.none())
texts = st.text(max_size=300)


# The same examples every time, and no limit on how long one takes: the machine may be busy.
@settings(derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    features=st.dictionaries(texts, anything | texts, max_size=80),
    net_pnl=st.one_of(st.floats(), st.integers(), st.decimals()),
    trade_id=texts | st.integers() | st.none(),
    trade_date=st.dates() | st.datetimes() | texts,
    outcome=st.sampled_from(TradeOutcome) | texts,
    details=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(sorted(DETAILS - {"advice_id"}), anything) | {"advice_id": texts | st.uuids()},
    ),
)
def test_no_trade_is_ever_turned_away(**arguments: Any) -> None:
    prepared = prepare_outcome("ares", **arguments)
    assert prepared.body.isascii()
    assert prepared.trade_id
    if prepared.objection is None:
        assert received(prepared).trade_id == prepared.trade_id
    else:
        json.loads(prepared.body, parse_constant=pytest.fail)
