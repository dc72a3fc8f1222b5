"""What a stored trade is compared by: a field that is added later must not turn old reports into conflicts."""

from __future__ import annotations

from typing import Any

import pytest

from ares_client.contract import Outcome
from service.outcomes.service import content_sha256

CLOSED = {
    "bot": "ares",
    "trade_id": "2018-12-03-1",
    "trade_date": "2018-12-03",
    "outcome": "MAX_PROFIT",
    "net_pnl": 142.5,
}
IN_FULL = {
    **CLOSED,
    "sd_multiplier": 1.0,
    "put_short_strike": 2710.0,
    "put_long_strike": 2700.0,
    "call_short_strike": 2830.0,
    "call_long_strike": 2840.0,
    "settlement_price": 2790.37,
    "contracts": 2,
    "credit": 145.25,
}


@pytest.mark.parametrize(
    ("trade", "digest"),
    [
        (IN_FULL, "983e4642e6bfefe3f2b73957eb31a286087f74f10146a04913a869bcc21730b4"),
        (CLOSED, "3a4dc8707bdda19def04e01cf105ec4cce7affe0fc3f36a5293e357465f15827"),
    ],
    ids=["in full", "only what must be said"],
)
def test_the_digest_of_a_trade_never_changes(trade: dict[str, Any], digest: str) -> None:
    """Databases hold these digests: with another one, a bot that reports again would be told of a conflict."""
    assert content_sha256(Outcome.model_validate(trade)).hex() == digest


def test_what_the_bot_believed_and_what_it_left_out_are_no_part_of_it() -> None:
    optional = {name: None for name, field in Outcome.model_fields.items() if not field.is_required()}
    said = {**optional, **CLOSED, "features": {"vix": 18.0}, "advice_id": "00000000-0000-4000-8000-000000000000"}
    assert content_sha256(Outcome.model_validate(said)) == content_sha256(Outcome.model_validate(CLOSED))
    other = {**CLOSED, "net_pnl": 142.0}
    assert content_sha256(Outcome.model_validate(other)) != content_sha256(Outcome.model_validate(CLOSED))
