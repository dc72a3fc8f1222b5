"""The client's settings: where the service is, who is asking, and what a fallback suggests."""

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
    """The outbox folder in the user's state directory.

    See the XDG Base Directory Specification, https://specifications.freedesktop.org/basedir-spec/latest/.
    """
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    try:
        return Path(state).expanduser() / "ares-advisor"
    except RuntimeError as error:
        raise ConfigurationError(f"there is no home folder for the outbox: set {ENVIRONMENT_PREFIX}OUTBOX") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientSettings:
    """Everything that can be configured. Each setting has a variable `ARES_ADVISOR_<NAME>`.

    Raises
    ------
    ConfigurationError
        A value is invalid. The message names it.
    """

    url: str = "http://127.0.0.1:8000"
    """Base URL of the service, `http` or `https`, with its path if it has one."""
    api_key: str | None = field(default=None, repr=False)
    """The bearer token. Never logged."""
    bot: str = AdviceRequest.model_fields["bot"].default
    """Name of the bot. It identifies trades together with their ids, and names the outbox file."""
    deadline_seconds: float = 2.0
    """How long a request for advice may take, DNS lookup included."""
    outbox: Path = field(default_factory=default_outbox)
    """Folder of the outbox, on a local disk. Bots with the same name share a file in it."""
    ca_file: Path | None = None
    """PEM file with the certificates to trust instead of the system's."""
    risk_per_trade_pct: float = 10.0
    """The bot's own risk, in % of the account. A fallback suggests it."""
    sd_multiplier: float = 1.0
    """The bot's own multiplier. Advice is requested for it, and a fallback suggests it."""
    base_rate: float = 0.70
    """The win probability that a fallback reports."""

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            complaint = check(getattr(self, name))
            if complaint:
                raise ConfigurationError(f"{name} ({ENVIRONMENT_PREFIX}{name.upper()}) {complaint}")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> ClientSettings:
        """Read the settings that are not given from `ARES_ADVISOR_*`. An empty variable counts as unset.

        Raises
        ------
        ConfigurationError
            A value is invalid. The message names its variable.
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
        raise ConfigurationError(f"{ENVIRONMENT_PREFIX}{name.upper()} is invalid: {error}") from error


def _check_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port != 0
    except ValueError:
        return "is not a URL"
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        return "must look like http://host:port or https://host:port"
    if parts.username or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
        return "must not contain a user name, a query, a fragment, or characters that are not printable ASCII"
    return None


def _check_api_key(key: str | None) -> str | None:
    if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key != ""):
        return "must be printable ASCII, not empty, without leading or trailing spaces"
    return None


def _check_bot(bot: str) -> str | None:
    try:
        TypeAdapter(Identifier).validate_python(bot, strict=True)
    except ValidationError:
        return f"must be 1 to {MAX_IDENTIFIER_LENGTH} printable ASCII characters without spaces"
    return None


def _between(low: float, high: float) -> Callable[[float], str | None]:
    def check(value: float) -> str | None:
        return None if math.isfinite(value) and low <= value <= high else f"must be between {low} and {high}"

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
