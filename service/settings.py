"""Everything that can be set, from `ADVISOR_*` variables; every default stands here and nowhere else."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from kronos.gate import GateLimits
from kronos.policy import Policy
from service.errors import ConfigurationError


class Settings(BaseSettings):
    """The service's and the worker's settings."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", env_nested_delimiter="__", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    database_url: SecretStr | None = Field(
        default=None, description="postgresql://…; where absent, an embedded PostgreSQL in data_dir is used"
    )
    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path("ares-ml-advisor"))
    api_key: SecretStr | None = Field(default=None, description="the bearer key that every route but health asks for")
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    database_connect_timeout_seconds: float = Field(default=2.0, gt=0)
    database_statement_timeout_seconds: float = Field(default=2.0, gt=0)
    database_pool_wait_seconds: float = Field(default=1.0, gt=0)
    database_pool_size: int = Field(default=5, ge=1)
    poll_seconds: float = Field(default=5.0, gt=0, description="how often a lost notification is made up for")

    max_body_bytes: int = Field(default=1_000_000, ge=1_000)
    max_artefact_bytes: int = Field(default=64_000_000, ge=1_000)
    limit_concurrency: int = Field(default=200, ge=1)
    keep_alive_seconds: int = Field(default=15, ge=1)
    shutdown_grace_seconds: int = Field(default=10, ge=1)
    advice_log_capacity: int = Field(default=10_000, ge=1)

    job_heartbeat_timeout_seconds: float = Field(default=10.0, gt=0)
    training_timeout_seconds: float = Field(default=900.0, gt=0)
    model_max_age_days: int = Field(default=400, ge=1, description="older training data makes advice `expired`")
    policy: Policy | None = Field(default=None, description="replaces the policy that travels with the model")
    gate: GateLimits = Field(default_factory=GateLimits, description="the promotion gate's limits")

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
    def binds_loopback_only(self) -> bool:
        """Whether the service can only be reached from this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def require_safe_binding(self) -> None:
        """Refuse to be reachable from elsewhere without a key.

        Raises
        ------
        ConfigurationError
        """
        if self.api_key is None and not self.binds_loopback_only:
            raise ConfigurationError(
                f"ADVISOR_HOST={self.host} can be reached from other machines: set ADVISOR_API_KEY first"
            )
