"""Upload a trained model and its bars to a running service, through the ordinary client."""

from __future__ import annotations

import numpy as np
from pydantic import ValidationError

from ares_client import AdvisorError, ClientSettings, ConfigurationError, MarketDay
from ares_client.advisor import Advisor
from kronos.errors import KronosError
from kronos.market.history import COLUMNS, MarketHistory


class PushError(KronosError):
    """The service could not be reached, or refused the model or the bars."""


def push(url: str, artefact: bytes, history: MarketHistory, *, activate: bool) -> str:
    """Upload the bars, then the model; return one line that says what the service did.

    Raises
    ------
    PushError
        If the service cannot be reached, or refuses.
    """
    try:
        with Advisor(ClientSettings.from_environment(url=url)) as advisor:
            days = advisor.push_market_days(market_days(history))
            model = advisor.push_model(artefact, activate=activate)
    except (AdvisorError, ConfigurationError) as error:
        raise PushError(f"{url}: {error}") from error
    return (
        f"pushed to {url}: model {model.version} is {model.state}; "
        f"the service holds {days.sessions} market days through {days.last}"
    )


def push_days(url: str, history: MarketHistory) -> str:
    """Upload the bars alone; return one line that says what the service holds.

    Raises
    ------
    PushError
        If the service cannot be reached, or refuses.
    """
    try:
        with Advisor(ClientSettings.from_environment(url=url)) as advisor:
            days = advisor.push_market_days(market_days(history))
    except (AdvisorError, ConfigurationError) as error:
        raise PushError(f"{url}: {error}") from error
    return f"pushed to {url}: the service holds {days.sessions} market days through {days.last}"


def market_days(history: MarketHistory) -> list[MarketDay]:
    """The sessions that have a bar, in the form of the wire contract.

    Raises
    ------
    PushError
        If the contract has no room for a bar.
    """
    return [_market_day(history, at) for at in np.flatnonzero(history.has_bar)]


def _market_day(history: MarketHistory, at: np.intp) -> MarketDay:
    day = history.sessions[at].item()
    try:
        return MarketDay.model_validate({"date": day} | {name: _or_none(history.bars[name][at]) for name in COLUMNS})
    except ValidationError as error:
        raise PushError(f"the bar of {day} would be refused: {error.errors()[0]['msg']}") from error


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
