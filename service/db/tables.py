"""The tables as SQLAlchemy maps them. Money is `numeric`, time is `timestamptz`, enumerations have a CHECK."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column

from ares_client.contract import TradeOutcome, TradingAdvice
from service.keys.scopes import Scope

MONEY = Numeric(14, 4)


def _one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def _all_of(column: str, values: list[str]) -> str:
    return f"{column} <@ ARRAY[{', '.join(repr(str(value)) for value in values)}]::text[]"


class TableBase(DeclarativeBase):
    """Base of all tables; it fixes constraint names and column types."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        float: Double(),
        datetime: DateTime(timezone=True),
        date: Date(),
        bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
        list[str]: ARRAY(Text()),
    }


class RetrainRunRow(TableBase):
    """One requested retraining: its verdict and figures. Its live state is in the queue."""

    __tablename__ = "retrain_runs"
    __table_args__ = (CheckConstraint(_one_of("verdict", ["promoted", "refused", "failed"]), "verdict"),)

    run_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    requested_by: Mapped[str | None]
    forced: Mapped[bool]
    min_new_samples: Mapped[int]
    new_outcomes: Mapped[int]
    phase: Mapped[str | None]
    progress: Mapped[float | None]
    verdict: Mapped[str | None]
    reason: Mapped[str | None]
    model_version: Mapped[str | None]
    metrics: Mapped[dict[str, Any] | None]
    figures: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    finished_at: Mapped[datetime | None]


class OutcomeRow(TableBase):
    """One closed trade, as the bot reported it."""

    __tablename__ = "ares_ml_outcomes"
    __table_args__ = (
        UniqueConstraint("bot", "trade_id"),
        CheckConstraint(_one_of("outcome", list(TradeOutcome)), "outcome"),
        Index(None, "trade_date"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    bot: Mapped[str]
    trade_id: Mapped[str]
    content_sha256: Mapped[bytes]
    trade_date: Mapped[date]
    outcome: Mapped[str]
    net_pnl: Mapped[Decimal] = mapped_column(MONEY)
    features: Mapped[dict[str, Any]]
    sd_multiplier: Mapped[float | None]
    advice_id: Mapped[UUID | None]
    put_short_strike: Mapped[float | None]
    put_long_strike: Mapped[float | None]
    call_short_strike: Mapped[float | None]
    call_long_strike: Mapped[float | None]
    settlement_price: Mapped[float | None]
    contracts: Mapped[int | None]
    credit: Mapped[Decimal | None] = mapped_column(MONEY)
    flags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    trained_in: Mapped[UUID | None] = mapped_column(ForeignKey(RetrainRunRow.run_id))


class AdviceRow(TableBase):
    """One answer to `POST /advice`."""

    __tablename__ = "advice_log"
    __table_args__ = (
        CheckConstraint(_one_of("advice", list(TradingAdvice)), "advice"),
        Index(None, "bot", "session"),
        Index(None, "session"),
    )

    advice_id: Mapped[UUID] = mapped_column(primary_key=True)
    bot: Mapped[str]
    as_of: Mapped[datetime]
    session: Mapped[date]
    price: Mapped[float]
    vix: Mapped[float]
    sd_multiplier: Mapped[float]
    advice: Mapped[str]
    win_probability: Mapped[float]
    base_rate: Mapped[float]
    model_version: Mapped[str]
    trained_through: Mapped[date | None]
    reply: Mapped[dict[str, Any]]
    answered_at: Mapped[datetime | None]
    logged_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MarketDayRow(TableBase):
    """One session's daily bars."""

    __tablename__ = "market_days"

    session: Mapped[date] = mapped_column(primary_key=True)
    spx_open: Mapped[float]
    spx_high: Mapped[float]
    spx_low: Mapped[float]
    spx_close: Mapped[float]
    vix_open: Mapped[float | None]
    vix_high: Mapped[float | None]
    vix_low: Mapped[float | None]
    vix_close: Mapped[float]
    spy_open: Mapped[float | None]
    spy_high: Mapped[float | None]
    spy_low: Mapped[float | None]
    spy_close: Mapped[float | None]
    vix9d_open: Mapped[float | None]
    vix9d_high: Mapped[float | None]
    vix9d_low: Mapped[float | None]
    vix9d_close: Mapped[float | None]
    vix3m_open: Mapped[float | None]
    vix3m_high: Mapped[float | None]
    vix3m_low: Mapped[float | None]
    vix3m_close: Mapped[float | None]
    vix1d_open: Mapped[float | None]
    vix1d_high: Mapped[float | None]
    vix1d_low: Mapped[float | None]
    vix1d_close: Mapped[float | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ModelVersionRow(TableBase):
    """One model version. At most one is the champion. Retention deletes the bytes of old ones, never their figures."""

    __tablename__ = "model_versions"
    __table_args__ = (
        CheckConstraint(_one_of("state", ["candidate", "champion", "retired", "refused"]), "state"),
        CheckConstraint(_one_of("origin", ["upload", "retrain"]), "origin"),
        CheckConstraint("state <> 'champion' OR artefact IS NOT NULL", "champion_is_stored"),
        UniqueConstraint("major", "minor"),
        Index("uq_model_versions_champion", "state", unique=True, postgresql_where=text("state = 'champion'")),
    )

    version: Mapped[str] = mapped_column(primary_key=True)
    major: Mapped[int]
    minor: Mapped[int]
    sha256: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    origin: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    activated_at: Mapped[datetime | None]
    manifest: Mapped[dict[str, Any]] = deferred(mapped_column(JSONB, nullable=False))
    metrics: Mapped[dict[str, Any] | None]
    artefact: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    silenced_variants: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    run_id: Mapped[UUID | None] = mapped_column(ForeignKey(RetrainRunRow.run_id))


class ApiKeyRow(TableBase):
    """One bearer key, stored as the hash of its secret."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("cardinality(scopes) > 0 AND " + _all_of("scopes", list(Scope)), "scopes"),
        CheckConstraint("octet_length(secret_sha256) = 32", "secret_sha256"),
    )

    key_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    bot: Mapped[str | None]
    scopes: Mapped[list[str]]
    secret_sha256: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]
