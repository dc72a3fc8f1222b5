"""The wire contract: what ARES and the service say to each other, and the ranges they accept.

Requests forbid unknown fields and refuse values that are not finite or out of range; replies may grow.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

CONTRACT_VERSION = 1
"""Raised when an old client could misread a reply; a client refuses a reply with a higher one."""

MAX_OUTCOMES_PER_BATCH = 100
MAX_IDENTIFIER_LENGTH = 128
MAX_REPORTED_FEATURES = 64
MAX_MARKET_DAYS_PER_REQUEST = 2_000
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
MAX_DOLLARS = Decimal(1_000_000_000)


class TradingAdvice(StrEnum):
    """What to do with today's trade."""

    TRADE_FULL = "TRADE_FULL"
    TRADE_REDUCED = "TRADE_REDUCED"
    SKIP_TODAY = "SKIP_TODAY"


class TradeOutcome(StrEnum):
    """How a closed condor ended: which short strikes were passed."""

    MAX_PROFIT = "MAX_PROFIT"
    PUT_BREACHED = "PUT_BREACHED"
    CALL_BREACHED = "CALL_BREACHED"
    DOUBLE_BREACH = "DOUBLE_BREACH"


def _only_text(value: object) -> object:
    """Dates travel as ISO 8601 text: a number, and a text of digits, would be read as seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and ISO_DATE.match(value)):
        return value
    raise ValueError("expected an ISO 8601 text")


def _only_number(value: object) -> object:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    raise ValueError("expected a number")


def _to_hundredths_of_a_cent(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN) + Decimal(0)


Timestamp = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_only_text)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_only_text)]
Identifier = Annotated[str, Field(min_length=1, max_length=MAX_IDENTIFIER_LENGTH, pattern=r"^[\x21-\x7e]+$")]
Dollars = Annotated[
    Decimal,
    Field(strict=False, ge=-MAX_DOLLARS, le=MAX_DOLLARS, allow_inf_nan=False),
    BeforeValidator(_only_number),
    AfterValidator(_to_hundredths_of_a_cent),
]
VixPoints = Annotated[float, Field(ge=5, le=200, description="VIX level in points", examples=[17.4])]
IndexPoints = Annotated[float, Field(ge=1, le=1_000_000, description="SPX level", examples=[4512.5])]
SdMultiplier = Annotated[
    float,
    Field(ge=0.6, le=1.6, description="distance of the short strikes in expected moves", examples=[1.0]),
]
Probability = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, frozen=True)


class AdviceRequest(_Request):
    """What ARES knows at entry. Features given here are used only where the service cannot derive them."""

    vix: VixPoints
    price: IndexPoints
    day_of_week: Annotated[int, Field(ge=0, le=6, description="0 = Monday")] | None = None
    as_of: Timestamp | None = Field(default=None, description="the moment of entry; default: now")
    bot: Identifier = "ares"
    sd_multiplier: SdMultiplier = 1.0
    vix_percentile_30d: Percent | None = None
    vix_change_1d: Annotated[float, Field(ge=-100, le=1000, description="%")] | None = None
    price_change_1d: Annotated[float, Field(ge=-100, le=1000, description="%")] | None = None
    expected_move_pct: Annotated[float, Field(gt=0, le=100, description="% of the price")] | None = None
    win_rate_30d: Probability | None = None
    avg_pnl_30d: Annotated[float, Field(ge=-1e9, le=1e9, description="$ a contract")] | None = None


class CurvePoint(_Reply):
    """The probability of full profit at one multiplier, beside the base rate there."""

    sd_multiplier: float
    win_probability: Probability
    base_rate: Probability


class FeatureValue(_Reply):
    """A feature the model was asked with, and where its value came from."""

    value: float
    source: Literal["derived", "request"]


class Factor(_Reply):
    """A feature's signed share of this probability's log-odds before calibration."""

    feature: str
    log_odds: float


class AdviceReply(_Reply):
    """The service's answer to `POST /advice`."""

    contract_version: int = CONTRACT_VERSION
    advice_id: UUID
    advice: TradingAdvice
    win_probability: Probability
    base_rate: Probability
    sd_multiplier: SdMultiplier
    suggested_risk_pct: Percent
    suggested_sd_multiplier: SdMultiplier
    curve: list[CurvePoint]
    status: Literal["ok", "degraded"]
    reasons: list[str]
    variant: Literal["full", "market", "minimal"]
    features: dict[str, FeatureValue]
    base_log_odds: float
    top_factors: list[Factor]
    session: date = Field(description="the exchange session the advice is for")
    as_of: datetime
    model_version: str


class Outcome(_Request):
    """One closed trade. `(bot, trade_id)` names it; the same content again changes nothing."""

    bot: Identifier = "ares"
    trade_id: Identifier
    trade_date: Day = Field(description="the session the trade was opened on", examples=["2018-12-03"])
    outcome: Annotated[TradeOutcome, Field(strict=False)]
    net_pnl: Dollars = Field(description="$ after costs, of the whole position", examples=[142.5])
    features: Annotated[dict[Identifier, float | None], Field(max_length=MAX_REPORTED_FEATURES)] = Field(
        default_factory=dict, description="what the bot believed at entry; kept for audit, never trained on"
    )
    sd_multiplier: SdMultiplier | None = Field(default=None, description="the multiplier really traded")
    advice_id: Annotated[UUID, Field(strict=False)] | None = None
    put_short_strike: IndexPoints | None = None
    put_long_strike: IndexPoints | None = None
    call_short_strike: IndexPoints | None = None
    call_long_strike: IndexPoints | None = None
    settlement_price: IndexPoints | None = None
    contracts: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    credit: Dollars | None = Field(default=None, description="$ a condor, as received at entry")


class OutcomeBatch(_Request):
    """Up to 100 closed trades; each is validated and answered on its own."""

    outcomes: Annotated[list[Any], Field(min_length=1, max_length=MAX_OUTCOMES_PER_BATCH)]


class OutcomeResult(_Reply):
    """What became of one reported trade. Anything but `invalid` and `conflict` is durable."""

    status: Literal["recorded", "duplicate", "conflict", "invalid"]
    bot: str | None = None
    trade_id: str | None = None
    detail: str | None = None
    flags: list[str] = Field(default_factory=list)


class OutcomeBatchReply(_Reply):
    """One result for each item of the batch, in its order."""

    results: list[OutcomeResult]


class RetrainRequest(_Request):
    """Ask for a challenger. `force` skips the gate, and is recorded as such."""

    min_new_samples: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    force: bool = False


class Metrics(_Reply):
    """Out-of-sample scores of a model at multiplier 1.0."""

    sessions: int
    base_rate: Probability
    accuracy: Probability = Field(description="share of sessions called right at probability 0.5")
    brier: float
    brier_skill: float = Field(description="1 - Brier / Brier of climatology")
    brier_skill_interval: tuple[float, float] = Field(description="95 %, bootstrap by session")
    log_loss: float
    auc: float
    ece: float = Field(description="expected calibration error over ten equal-count bins")
    ece_band: float = Field(description="95 % bound of `ece` for a perfectly calibrated model of this size")


class RetrainRun(_Reply):
    """One retraining: where it stands, and how it ended."""

    run_id: UUID
    state: Literal["queued", "running", "promoted", "refused", "failed"]
    requested_at: datetime
    finished_at: datetime | None = None
    forced: bool = False
    new_outcomes: int
    model_version: str | None = None
    reason: str | None = None
    metrics: Metrics | None = None
    figures: dict[str, Any] = Field(default_factory=dict, description="the gate's figures")


class RetrainNotNeeded(_Reply):
    """Too few new outcomes to retrain: how many there are, and how many are missing."""

    state: Literal["not_enough_outcomes"] = "not_enough_outcomes"
    new_outcomes: int
    min_new_samples: int
    missing: int


class ModelInfo(_Reply):
    """One stored model version."""

    version: str
    state: Literal["candidate", "champion", "retired", "refused"]
    sha256: str
    created_at: datetime
    origin: Literal["upload", "retrain"]
    metrics: Metrics | None = None
    manifest: dict[str, Any] | None = Field(default=None, description="only when one version is asked for")


class MarketDay(_Request):
    """One session's daily bar."""

    date: Day
    spx_open: IndexPoints
    spx_high: IndexPoints
    spx_low: IndexPoints
    spx_close: IndexPoints
    vix_close: VixPoints
    vix_open: VixPoints | None = None
    vix_high: VixPoints | None = None
    vix_low: VixPoints | None = None

    @model_validator(mode="after")
    def _low_is_not_above_high(self) -> Self:
        if self.spx_low > self.spx_high:
            raise ValueError("spx_low is above spx_high")
        return self


class MarketDays(_Request):
    """Daily bars to insert or replace, at most 2,000 in a request."""

    days: Annotated[list[MarketDay], Field(min_length=1, max_length=MAX_MARKET_DAYS_PER_REQUEST)]


class MarketDaysReply(_Reply):
    """How many bars were stored, and the range the service now holds."""

    stored: int
    first: date
    last: date
    sessions: int


class Problem(_Reply):
    """RFC 9457 problem details. Never holds a value that the caller sent."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None
    errors: list[dict[str, Any]] | None = None
