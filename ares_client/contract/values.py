"""The parts of the messages: scalars with their ranges, and the base classes of requests and replies."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

MAX_IDENTIFIER_LENGTH = 128
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
MAX_DOLLARS = Decimal(1_000_000_000)


class TradingAdvice(StrEnum):
    """What to do with today's trade."""

    TRADE_FULL = "TRADE_FULL"
    TRADE_REDUCED = "TRADE_REDUCED"
    SKIP_TODAY = "SKIP_TODAY"


class TradeOutcome(StrEnum):
    """How a closed condor ended: which short strikes were breached."""

    MAX_PROFIT = "MAX_PROFIT"
    PUT_BREACHED = "PUT_BREACHED"
    CALL_BREACHED = "CALL_BREACHED"
    DOUBLE_BREACH = "DOUBLE_BREACH"


def _only_text(value: object) -> object:
    """Dates must be ISO 8601 text. Pydantic would read a number, or text of digits, as seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and ISO_DATE.match(value)):
        return value
    raise ValueError("expected ISO 8601 text")


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
SpyDollars = Annotated[float, Field(ge=0.1, le=100_000, description="SPY, adjusted for dividends", examples=[249.92])]
VolatilityPoints = Annotated[
    float, Field(ge=1, le=400, description="level of a short-dated volatility index in points", examples=[15.6])
]
SdMultiplier = Annotated[
    float,
    Field(ge=0.6, le=1.6, description="distance of the short strikes, in expected moves", examples=[1.0]),
]
CreditPoints = Annotated[
    float, Field(gt=0, le=1_000, description="credit of a condor in index points", examples=[0.85])
]
WingPoints = Annotated[
    float, Field(ge=1, le=1_000, description="distance of the long strikes from the short ones", examples=[10.0])
]
Probability = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]


def one_of(*values: str) -> FieldInfo:
    """A field of a reply that holds one of these values today, and any other text tomorrow.

    The document names the values; a reader takes what it does not know as it is.
    """
    info: FieldInfo = Field(json_schema_extra={"enum": list(values)})
    return info


class Request(BaseModel):
    """Sent by the caller. Unknown fields and values that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Reply(BaseModel):
    """Sent by the service. It may gain fields, and a reader ignores those that it does not know."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, frozen=True)
