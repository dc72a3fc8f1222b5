"""Where the service is, who asks, and what the bot does when nobody answers. Read once, then frozen."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pydantic import TypeAdapter, ValidationError

from ares_client.contract import MAX_IDENTIFIER_LENGTH, AdviceRequest, Identifier
from ares_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENVIRONMENT_PREFIX = "ARES_ADVISOR_"


def default_outbox() -> Path:
    """The folder for state that must survive a restart, by the XDG rules."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    try:
        return Path(state).expanduser() / "ares-advisor"
    except RuntimeError as error:
        raise ConfigurationError(
            f"there is no home folder to keep the outbox in: set {ENVIRONMENT_PREFIX}OUTBOX"
        ) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientSettings:
    """Everything that can be configured. Each has a variable `ARES_ADVISOR_<NAME>`.

    Raises
    ------
    ConfigurationError
        A value cannot be used; the message names it.
    """

    url: str = "http://127.0.0.1:8000"
    """Where the service is, `http` or `https`, with a path if it lives below one."""
    api_key: str | None = field(default=None, repr=False)
    """The bearer token. Never logged."""
    bot: str = AdviceRequest.model_fields["bot"].default
    """Who trades: names the trades together with their ids, and the outbox file."""
    deadline_seconds: float = 2.0
    """How long advice may take, name resolution included."""
    outbox: Path = field(default_factory=default_outbox)
    """The folder of the outbox, on a local disk. Bots with the same name share a file in it."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's, as PEM."""
    risk_per_trade_pct: float = 10.0
    """The bot's own risk, in % of the account: what a fallback suggests."""
    sd_multiplier: float = 1.0
    """The bot's own multiplier: what advice is asked for, and what a fallback suggests."""
    base_rate: float = 0.70
    """The win rate that a fallback states."""

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            complaint = check(getattr(self, name))
            if complaint:
                raise ConfigurationError(f"{name} ({ENVIRONMENT_PREFIX}{name.upper()}) {complaint}")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> ClientSettings:
        """Read what is not given from `ARES_ADVISOR_*`; an empty variable counts as unset.

        Raises
        ------
        ConfigurationError
            A value cannot be used; the message names its variable.
        """
        for name in {setting.name for setting in fields(cls)} - given.keys():
            text = environ.get(ENVIRONMENT_PREFIX + name.upper(), "")
            if text:
                given[name] = _parse(name, text)
        return cls(**given)

    @property
    def outbox_file(self) -> Path:
        """The bot's own file in the outbox folder."""
        return self.outbox / f"{quote(self.bot, safe='')}.sqlite3"


def _parse(name: str, text: str) -> object:
    try:
        return _PARSERS.get(name, str)(text)
    except (ValueError, RuntimeError) as error:
        raise ConfigurationError(f"{ENVIRONMENT_PREFIX}{name.upper()} cannot be read: {error}") from error


def _check_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port != 0
    except ValueError:
        return "is not a URL"
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        return "must read http://host:port or https://host:port"
    if parts.username or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
        return "must hold no user name, query, fragment or unusual character"
    return None


def _check_api_key(key: str | None) -> str | None:
    if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key != ""):
        return "must be printable ASCII without spaces around it"
    return None


def _check_bot(bot: str) -> str | None:
    try:
        TypeAdapter(Identifier).validate_python(bot, strict=True)
    except ValidationError:
        return f"must be 1 to {MAX_IDENTIFIER_LENGTH} printable ASCII characters without spaces"
    return None


def _between(low: float, high: float) -> Callable[[float], str | None]:
    def check(value: float) -> str | None:
        return None if math.isfinite(value) and low <= value <= high else f"must be from {low} to {high}"

    return check


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "deadline_seconds": float,
    "outbox": lambda text: Path(text).expanduser(),
    "ca_file": lambda text: Path(text).expanduser(),
    "risk_per_trade_pct": float,
    "sd_multiplier": float,
    "base_rate": float,
}

_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "url": _check_url,
    "api_key": _check_api_key,
    "bot": _check_bot,
    "deadline_seconds": _between(0.01, 600),
    "risk_per_trade_pct": _between(0, 100),
    "sd_multiplier": _between(0.01, 10),
    "base_rate": _between(0, 1),
}
