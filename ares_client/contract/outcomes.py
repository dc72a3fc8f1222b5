"""`POST /outcomes`, `GET /outcomes`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from ares_client.contract.values import (
    Day,
    Dollars,
    Identifier,
    IndexPoints,
    Reply,
    Request,
    SdMultiplier,
    TradeOutcome,
)

MAX_OUTCOMES_PER_BATCH = 100
MAX_OUTCOMES_PER_PAGE = 500
MAX_REPORTED_FEATURES = 64


class Outcome(Request):
    """One closed trade, identified by `(bot, trade_id)`. Sending the same content again changes nothing."""

    bot: Identifier = "ares"
    trade_id: Identifier
    trade_date: Day = Field(description="session in which the trade was opened", examples=["2018-12-03"])
    outcome: Annotated[TradeOutcome, Field(strict=False)]
    net_pnl: Dollars = Field(description="$ after costs, for the whole position", examples=[142.5])
    features: Annotated[dict[Identifier, float | None], Field(max_length=MAX_REPORTED_FEATURES)] = Field(
        default_factory=dict,
        description="what the bot believed at entry; kept for audit. Training uses only `price` and `vix` of them",
    )
    sd_multiplier: SdMultiplier | None = Field(
        default=None, description="multiplier actually traded (default: the one that the advice suggested)"
    )
    advice_id: Annotated[UUID, Field(strict=False)] | None = None
    put_short_strike: IndexPoints | None = None
    put_long_strike: IndexPoints | None = None
    call_short_strike: IndexPoints | None = None
    call_long_strike: IndexPoints | None = None
    settlement_price: IndexPoints | None = None
    contracts: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    credit: Dollars | None = Field(default=None, description="$ per condor, as received at entry")


class OutcomeBatch(Request):
    """Up to 100 closed trades. Each is validated and answered on its own."""

    outcomes: Annotated[list[Any], Field(min_length=1, max_length=MAX_OUTCOMES_PER_BATCH)]


class StoredOutcome(Reply):
    """One closed trade as it is stored. Amounts are numbers, in dollars."""

    bot: str
    trade_id: str
    trade_date: date
    outcome: TradeOutcome
    net_pnl: float
    features: dict[str, float | None]
    sd_multiplier: float | None = None
    advice_id: UUID | None = None
    put_short_strike: float | None = None
    put_long_strike: float | None = None
    call_short_strike: float | None = None
    call_long_strike: float | None = None
    settlement_price: float | None = None
    contracts: int | None = None
    credit: float | None = None
    flags: list[str] = Field(description="anything odd about the trade, such as `label_contradicted`")
    recorded_at: datetime
    trained_in: UUID | None = Field(default=None, description="first promoted retraining that took it into account")


class OutcomePage(Reply):
    """Recorded outcomes, the most recently recorded first."""

    outcomes: list[StoredOutcome]
    next_cursor: str | None = Field(default=None, description="send it to get the outcomes recorded before these")


class OutcomeResult(Reply):
    """What became of one reported trade. It is stored durably, unless the status is `invalid` or `conflict`."""

    status: Literal["recorded", "duplicate", "conflict", "invalid"]
    bot: str | None = None
    trade_id: str | None = None
    detail: str | None = None
    flags: list[str] = Field(default_factory=list)


class OutcomeBatchReply(Reply):
    """One result for each item of the batch, in the same order."""

    results: list[OutcomeResult]
