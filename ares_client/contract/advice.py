"""`POST /advice`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from ares_client.contract.values import (
    CreditPoints,
    Identifier,
    IndexPoints,
    Percent,
    Probability,
    Reply,
    Request,
    SdMultiplier,
    Timestamp,
    TradingAdvice,
    VixPoints,
    WingPoints,
    one_of,
)

CONTRACT_REVISION_HEADER: Final = "ARES-Contract-Revision"
"""A client says with it which values of enumerations it knows. Without it, it gets those of revision 1."""
CONTRACT_REVISION: Final = 2
"""Revision 2 knows the variant `term`."""
MAX_QUOTES: Final = 11
NEWER_FIELDS: Final = frozenset({"risk_per_trade_pct", "wing_points", "credit_points"})
"""Fields of a request that services of the first revision refuse."""
CONTRACT_VERSION = 1
"""Increased whenever an old client could misread a reply. A client refuses a reply with a higher version."""


class QuotedCredit(Request):
    """What the market offers for the condor at one multiplier."""

    sd_multiplier: SdMultiplier
    credit_points: CreditPoints


def _form_of(value: object) -> str:
    return "table" if isinstance(value, list | tuple) else "one"


Credits = Annotated[
    Annotated[CreditPoints, Tag("one")]
    | Annotated[list[QuotedCredit], Field(min_length=1, max_length=MAX_QUOTES), Tag("table")],
    Discriminator(_form_of),
]


class AdviceRequest(Request):
    """What ARES knows at entry. Features given here are used only if the service cannot derive them itself."""

    vix: VixPoints
    price: IndexPoints
    day_of_week: Annotated[int, Field(ge=0, le=6, description="0 = Monday")] | None = None
    as_of: Timestamp | None = Field(default=None, description="time of entry (default: now)")
    bot: Identifier = "ares"
    sd_multiplier: SdMultiplier = 1.0
    risk_per_trade_pct: Percent | None = Field(
        default=None, description="the most that one trade may risk, in % of the account; 0 means 0 (default: 10)"
    )
    wing_points: WingPoints | None = Field(
        default=None, description="a multiple of the strikes' step (default: the model's own)"
    )
    credit_points: Credits | None = Field(
        default=None,
        description="what the bot expects to receive, so that only fees come off it: for the multiplier asked for, "
        "or a table with every multiplier at most once",
    )
    vix_percentile_30d: Percent | None = None
    vix_change_1d: Annotated[float, Field(ge=-100, le=1000, description="%")] | None = None
    price_change_1d: Annotated[float, Field(ge=-100, le=1000, description="%")] | None = None
    expected_move_pct: Annotated[float, Field(gt=0, le=100, description="% of the price")] | None = None
    win_rate_30d: Probability | None = None
    avg_pnl_30d: Annotated[float, Field(ge=-1e9, le=1e9, description="$ per contract")] | None = None

    @field_validator("credit_points")
    @classmethod
    def _credits_make_sense(cls, value: Any, info: ValidationInfo) -> Any:
        quotes = value if isinstance(value, list) else []
        if len({quote.sd_multiplier for quote in quotes}) < len(quotes):
            raise ValueError("a multiplier stands in the table twice")
        wing = info.data.get("wing_points")
        credits_of = [quote.credit_points for quote in quotes] or [value]
        if wing is not None and value is not None and max(credits_of) >= wing:
            raise ValueError("a credit must be smaller than the wings are wide")
        return value

    @property
    def quoted(self) -> dict[float, float]:
        """Credits by multiplier; empty without a quote."""
        if isinstance(self.credit_points, list):
            return {quote.sd_multiplier: quote.credit_points for quote in self.credit_points}
        return {} if self.credit_points is None else {self.sd_multiplier: self.credit_points}


class CurvePoint(Reply):
    """The probability of full profit at one multiplier, and the base rate at that multiplier."""

    sd_multiplier: float
    win_probability: Probability
    base_rate: Probability
    fair_credit_points: float | None = Field(
        default=None, description="mean payout by the curve; null for condors that are not held to settlement"
    )
    breakeven_win_probability: Probability | None = Field(
        default=None, description="that a condor sold at the fair credit needs to pay its fees"
    )


class QuoteValue(Reply):
    """What a quoted credit is worth, in index points, at the listed strikes that its multiplier means."""

    sd_multiplier: float
    put_short_strike: float | None = Field(default=None, description="rounded away from the price, like the short call")
    call_short_strike: float | None = None
    win_probability: Probability | None = Field(
        default=None, description="that the settlement lies between these strikes"
    )
    credit_points: float
    fair_credit_points: float
    edge_points: float = Field(description="the credit less the fair one, before fees")
    expected_pnl_points: float = Field(
        description="after fees, from a mean payout between the fair one and the quote's own"
    )
    breakeven_win_probability: Probability = Field(description="that this credit needs to pay its fees")


class FeatureValue(Reply):
    """An input of the model, and where its value came from."""

    value: float
    source: Annotated[str, one_of("derived", "request")]


class Factor(Reply):
    """A feature's signed contribution to the log-odds of this probability, before calibration."""

    feature: str
    log_odds: float


class AdviceReply(Reply):
    """The service's answer to `POST /advice`."""

    contract_version: int = CONTRACT_VERSION
    advice_id: UUID
    advice: TradingAdvice
    win_probability: Probability
    base_rate: Probability
    sd_multiplier: SdMultiplier
    suggested_risk_pct: Percent = Field(
        description="in % of the account; never above the `risk_per_trade_pct` asked with"
    )
    risk_fraction: Probability | None = Field(
        default=None, description="the same as a fraction of `risk_per_trade_pct`, or of 10 % where that is not given"
    )
    suggested_sd_multiplier: SdMultiplier = Field(description="the one asked for")
    recent_rate: Probability | None = Field(
        default=None, description="win rate of the last 252 sessions at this multiplier, where stored bars tell it"
    )
    wing_points: float | None = None
    fair_credit_points: float | None = Field(
        default=None,
        description="mean payout by the curve at the exact multiplier asked for, as in `curve`; "
        "`quotes` are valued at listed strikes, which stand farther out",
    )
    listed_fair_credit_points: float | None = Field(
        default=None,
        description="the same at listed strikes, rounded away from the price: of the condor that can be sold",
    )
    breakeven_win_probability: Probability | None = Field(
        default=None, description="at the quoted credit of the multiplier asked for, or at the fair one without it"
    )
    expected_pnl_points: float | None = Field(default=None, description="as in `quotes`, at the multiplier asked for")
    edge_points: float | None = Field(default=None, description="as in `quotes`, at the multiplier asked for")
    quotes: list[QuoteValue] = Field(default=[])
    curve: list[CurvePoint]
    status: Annotated[str, one_of("ok", "degraded")]
    reasons: list[str]
    variant: Annotated[str, one_of("term", "full", "market", "minimal")] = Field(
        description="the variant that answered; `full` for a richer one that the client does not announce to know"
    )
    variant_name: str | None = Field(default=None, description="the variant that answered, by its true name")
    features: dict[str, FeatureValue]
    base_log_odds: float
    top_factors: list[Factor] = Field(
        description="largest first; together with base_log_odds they add up to the log-odds before calibration"
    )
    session: date = Field(description="exchange session that the advice is for")
    as_of: datetime
    model_version: str
