"""How much of an account one trade may risk, so that a bad year leaves most of it."""

from __future__ import annotations

from typing import Final

import numpy as np

from kronos.market.history import Floats
from kronos.market.sessions import SESSIONS_PER_YEAR
from kronos.statistics.intervals import BLOCK_SESSIONS, BOOTSTRAP_SAMPLES

RISKS_PCT: Final = np.arange(0.5, 10.01, 0.5)
"""The sizes that are tried, up to the guide's."""
LARGEST_DRAWDOWN: Final = 1 / 3
DRAWDOWN_QUANTILE: Final = 0.95
SEED: Final = 0


def largest_surviving_risk_pct(returns_on_risk: Floats) -> float:
    """The largest size whose worst drawdown within a year stays under a third in 95 of 100 resampled years.

    Parameters
    ----------
    returns_on_risk : (n,) by session: net P&L over what the trade puts at risk, -1 or more; 0 where nothing is traded

    Returns
    -------
    In % of equity, a multiple of 0.5 up to 10; 0 where no size of 0.5 % or more survives
    """
    surviving = [risk for risk in RISKS_PCT if drawdown_quantile(returns_on_risk, float(risk)) <= LARGEST_DRAWDOWN]
    return float(max(surviving, default=0.0))


def drawdown_quantile(returns_on_risk: Floats, risk_pct: float) -> float:
    """The 95th percentile of the worst drawdown within a year, from 0 to 1, over block-bootstrapped years."""
    years = _resampled_years(returns_on_risk)
    return float(np.quantile(worst_drawdown(years, risk_pct), DRAWDOWN_QUANTILE))


def worst_drawdown(returns_on_risk: Floats, risk_pct: float) -> Floats:
    """(...,) largest loss from a peak of accounts that risk this share of their equity on every trade, 0 to 1.

    Parameters
    ----------
    returns_on_risk : (..., n) by session
    """
    growth = np.log1p(np.maximum(risk_pct / 100 * returns_on_risk, -1 + 1e-12))
    equity = np.cumsum(growth, axis=-1)
    peak = np.maximum(np.maximum.accumulate(equity, axis=-1), 0.0)
    return np.asarray(-np.expm1((equity - peak).min(axis=-1)))


def _resampled_years(values: Floats) -> Floats:
    """(samples, 252) made of blocks of a month."""
    rng = np.random.default_rng(SEED)
    block = min(BLOCK_SESSIONS, len(values))
    starts = rng.integers(0, len(values) - block + 1, size=(BOOTSTRAP_SAMPLES, -(-SESSIONS_PER_YEAR // block)))
    drawn = (starts[:, :, None] + np.arange(block)).reshape(BOOTSTRAP_SAMPLES, -1)
    return np.asarray(values[drawn[:, :SESSIONS_PER_YEAR]])
