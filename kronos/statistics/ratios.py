"""Sharpe ratio, Sortino ratio and drawdown, each defined once, for accounts and for dollars per session."""

from __future__ import annotations

import math

import numpy as np

from kronos.market.history import Floats
from kronos.market.sessions import SESSIONS_PER_YEAR


def sharpe(returns: Floats) -> float | None:
    """Annualised ratio of mean to standard deviation of (n,) returns per session; None if they never vary.

    Sharpe (1994), without a riskless rate. The standard deviation is the sample's, over n - 1.
    """
    return _annual_ratio(returns, float(returns.std(ddof=1)) if len(returns) > 1 else 0.0)


def sortino(returns: Floats) -> float | None:
    """Annualised ratio of mean to downside deviation of (n,) returns per session; None without losses.

    Sortino and van der Meer (1991). The downside deviation is the root mean square of the losses over all sessions.
    """
    return _annual_ratio(returns, float(np.sqrt(np.mean(np.minimum(returns, 0) ** 2))) if len(returns) else 0.0)


def loss_from_peak(equity: Floats, start: float) -> Floats:
    """(n, ...) how far equity lies below its highest value so far, in its own unit; the first peak is `start`."""
    return np.asarray(np.maximum(np.maximum.accumulate(equity, axis=0), start) - equity)


def _annual_ratio(returns: Floats, deviation: float) -> float | None:
    if not deviation > 0:
        return None
    return float(returns.mean()) / deviation * math.sqrt(SESSIONS_PER_YEAR)
