"""All settings, read from `ADVISOR_*` variables. Every default is defined here and nowhere else."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import platformdirs
from croniter import croniter
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from kronos.market.history import FAMILIES
from kronos.model.gate import GateLimits
from kronos.model.policy import Policy
from service.errors import SettingsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SHORTEST_KEY = 16
EXAMPLE_KEYS = ("change", "set-me", "example")
CRON_FIELDS = 5


def _number_if_text(name: str, value: object) -> object:
    """Variables hold text; `relative_to` is the one part of a policy that is text."""
    return float(value) if isinstance(value, str) and name != "relative_to" else value


class Settings(BaseSettings):
    """The service's and the worker's settings."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", env_nested_delimiter="__", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    database_url: SecretStr | None = Field(
        default=None, description="postgresql://…; if not set, an embedded PostgreSQL in data_dir is used"
    )
    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path("ares-ml-advisor"))
    api_key: SecretStr | None = Field(
        default=None, description="the bootstrap key, which may do anything; make other keys with `advisor keys make`"
    )
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    database_connect_timeout_seconds: float = Field(default=2.0, gt=0)
    database_statement_timeout_seconds: float = Field(default=2.0, gt=0)
    database_pool_wait_seconds: float = Field(default=1.0, gt=0)
    database_pool_size: int = Field(default=5, ge=1)
    poll_seconds: float = Field(
        default=5.0, gt=0, description="how often to look for changes whose notification was lost"
    )

    max_body_bytes: int = Field(default=1_000_000, ge=1_000)
    max_artefact_bytes: int = Field(default=64_000_000, ge=1_000)
    limit_concurrency: int = Field(default=200, ge=1)
    keep_alive_seconds: int = Field(default=15, ge=1)
    drain_seconds: float = Field(
        default=1.0, ge=0, description="how long to be not ready but still serving before a stop"
    )
    shutdown_grace_seconds: int = Field(default=10, ge=1)
    advice_log_capacity: int = Field(default=10_000, ge=1)
    rate_limit_per_minute: int = Field(default=1_200, ge=1, description="requests per key and scope, in one process")

    job_heartbeat_timeout_seconds: float = Field(default=10.0, gt=0)
    training_timeout_seconds: float = Field(default=900.0, gt=0)
    retrain_cron: str | None = Field(
        default=None, description="when to retrain automatically, in UTC; if not set, never"
    )
    retrain_min_new_outcomes: int = Field(
        default=50, ge=1, description="the fewest new outcomes for a scheduled retraining"
    )
    models_kept: int = Field(default=20, ge=1, description="how many versions keep their artefact")
    vix_url: str | None = Field(default=None, description="where the daily refresh gets VIX bars, as CSV")
    spx_url: str | None = Field(default=None, description="where the daily refresh gets SPX bars, as chart JSON or CSV")
    spy_url: str | None = Field(default=None, description="the same for SPY, whose opens give the price at the open")
    vix9d_url: str | None = Field(default=None, description="where the daily refresh gets VIX9D bars, as CSV")
    vix3m_url: str | None = Field(default=None, description="the same for VIX3M")
    vix1d_url: str | None = Field(default=None, description="the same for VIX1D")
    market_refresh_cron: str = Field(default="0 2,12 * * *", description="when to refresh the market days, in UTC")
    model_max_age_days: int = Field(default=400, ge=1, description="older training data makes advice `expired`")
    policy: Policy | None = Field(default=None, description="replaces the policy in the model's artefact")
    gate: GateLimits = Field(default_factory=GateLimits, description="the promotion gate's limits")

    @field_validator("policy", mode="before")
    @classmethod
    def _reads_policies_of_both_kinds(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        try:
            return Policy.read({name: _number_if_text(name, stated) for name, stated in value.items()})
        except (TypeError, ValueError) as error:
            raise ValueError(str(error)) from error

    @field_validator("api_key")
    @classmethod
    def _cannot_be_guessed(cls, value: SecretStr | None) -> SecretStr | None:
        key = "" if value is None else value.get_secret_value()
        if value is not None and (len(key) < SHORTEST_KEY or key.lower().startswith(EXAMPLE_KEYS)):
            raise ValueError(
                f"still the example, or shorter than {SHORTEST_KEY} characters: "
                "make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        return value

    @field_validator("retrain_cron", "market_refresh_cron")
    @classmethod
    def _is_cron(cls, value: str | None) -> str | None:
        if value is not None and not (len(value.split()) == CRON_FIELDS and croniter.is_valid(value)):
            raise ValueError("not a cron expression of five fields, like `0 3 * * 6`")
        return value

    @model_validator(mode="after")
    def _both_sources_or_none(self) -> Self:
        if (self.vix_url is None) != (self.spx_url is None):
            raise ValueError("set both ADVISOR_VIX_URL and ADVISOR_SPX_URL, or neither")
        if self.vix_url is None and self.source_urls:
            raise ValueError("the other sources of bars need ADVISOR_VIX_URL and ADVISOR_SPX_URL beside them")
        return self

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            known = value is None or make_url(value.get_secret_value()).get_backend_name() == "postgresql"
        except ArgumentError:
            known = False
        if not known:
            raise ValueError("not a URL like postgresql://user:password@host:5432/database")
        return value

    @property
    def source_urls(self) -> dict[str, str]:
        """The URL of each family of bars for the daily refresh; empty if there is no refresh."""
        named = {family.name: getattr(self, f"{family.name}_url") for family in FAMILIES}
        return {name: url for name, url in named.items() if url is not None}

    @property
    def binds_loopback_only(self) -> bool:
        """Whether the service can be reached only from this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    SettingsError
        If a variable is invalid. It names every one of them, without its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_complaint(item) for item in error.errors())) from None


def _complaint(item: ErrorDetails) -> str:
    message = item["msg"].removeprefix("Value error, ")
    return f"ADVISOR_{'__'.join(map(str, item['loc'])).upper()}: {message}" if item["loc"] else message
