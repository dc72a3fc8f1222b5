"""Modelled money, session by session: always trading beside following the advice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kronos.market import Floats
from kronos.policy import Advice
from kronos.sessions import SESSIONS_PER_YEAR
from kronos.training.policy_scores import FollowedAdvice

NORMAL_95 = 1.959964
FULL_RISK_SHARE = 1.0


@dataclass(frozen=True, slots=True)
class Earned:
    """What a way of trading earned, dollars a condor, modelled; ratios are over all sessions, traded or not.

    Attributes
    ----------
    mean_error : half the 95 % interval of the mean, by session
    sharpe, sortino : a year; None where they have no value
    """

    sessions: int
    mean: float
    mean_error: float
    total: float
    worst: float
    max_drawdown: float
    sharpe: float | None
    sortino: float | None


def followed_pnl(followed: FollowedAdvice) -> Floats:
    """(n,) modelled dollars of following the advice: the condor scaled by the advised risk, 0 where skipped."""
    return followed.net_pnl_dollars * followed.risk_share


def earned(pnl: Floats) -> Earned:
    """Summarise (n,) dollars a session."""
    spread = float(pnl.std(ddof=1)) if len(pnl) > 1 else 0.0
    downside = float(np.sqrt((np.minimum(pnl, 0) ** 2).mean()))
    mean, year = float(pnl.mean()), float(np.sqrt(SESSIONS_PER_YEAR))
    return Earned(
        sessions=len(pnl),
        mean=mean,
        mean_error=NORMAL_95 * spread / float(np.sqrt(len(pnl))),
        total=float(pnl.sum()),
        worst=float(pnl.min()),
        max_drawdown=float(drawdown(pnl).max()),
        sharpe=year * mean / spread if spread > 0 else None,
        sortino=year * mean / downside if downside > 0 else None,
    )


def drawdown(pnl: Floats) -> Floats:
    """(n,) dollars below the highest equity so far, which starts at 0."""
    equity = np.cumsum(pnl)
    return np.asarray(np.maximum.accumulate(np.maximum(equity, 0)) - equity)


def by_advice(followed: FollowedAdvice) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """(n,) which sessions were given each advice, where any was."""
    full = followed.traded & (followed.risk_share >= FULL_RISK_SHARE)
    kinds = {
        Advice.TRADE_FULL: full,
        Advice.TRADE_REDUCED: followed.traded & ~full,
        Advice.SKIP_TODAY: ~followed.traded,
    }
    for advice, given in kinds.items():
        if given.any():
            yield advice.value, given
