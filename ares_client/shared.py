"""The guide's functions: one advisor per process, configured by `ARES_ADVISOR_*`."""

from __future__ import annotations

import atexit
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ares_client._advice.advice import Advice
from ares_client._advice.request import limit_of
from ares_client.advisor import Advisor
from ares_client.errors import ConfigurationError, FallbackReason
from ares_client.settings import ClientSettings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ares_client._advice.request import AdviceOptions
    from ares_client._values import Number

logger = logging.getLogger(__name__)

_shared: list[Advisor] = []


def get_advisor() -> Advisor:
    """The process's advisor. The first call creates it, and it is closed at exit.

    Raises
    ------
    ConfigurationError
        One of the `ARES_ADVISOR_*` variables is invalid.
    """
    if not _shared:
        advisor = Advisor()
        atexit.register(advisor.close)
        _shared.append(advisor)
    return _shared[0]


def use_advisor(advisor: Advisor | None) -> Advisor | None:
    """Replace the process's advisor and return the previous one. None removes it."""
    former = _shared[0] if _shared else None
    _shared[:] = [advisor] if advisor else []
    return former


def get_trading_advice(
    *, vix: Number, price: Number, day_of_week: Number | None = None, **options: Unpack[AdviceOptions]
) -> Advice:
    """Advice on today's trade; see `Advisor.get_trading_advice`.

    An invalid configuration does not raise here, in the trading window. It is logged, and the answer is a
    fallback with the defaults of `ClientSettings`.
    """
    try:
        advisor = get_advisor()
    except ConfigurationError as error:
        logger.critical("advice is a fallback because the configuration is invalid: %s", error)
        settings = ClientSettings(outbox=Path())
        limit = limit_of(settings.risk_per_trade_pct, options.get("risk_per_trade_pct"))
        return Advice.fallback(settings, FallbackReason.MISCONFIGURED, limit.pct, limit.notes)
    return advisor.get_trading_advice(vix=vix, price=price, day_of_week=day_of_week, **options)
