"""Modelled money, session by session: always trading compared with following the advice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kronos.market.history import Floats
from kronos.model.policy import TradeAction
from kronos.statistics.intervals import mean_error
from kronos.statistics.ratios import loss_from_peak, sharpe, sortino
from kronos.training.policy_scores import PolicyReplay

FULL_RISK_SHARE = 1.0


@dataclass(frozen=True, slots=True)
class PnlSummary:
    """What a way of trading earned, in modelled dollars per condor; ratios are over all sessions, traded or not.

    Attributes
    ----------
    mean_error : half the 95 % interval of the mean, by session
    sharpe, sortino : annualised; None where they are undefined
    """

    sessions: int
    mean: float
    mean_error: float
    total: float
    worst: float
    max_drawdown: float
    sharpe: float | None
    sortino: float | None


def followed_pnl(followed: PolicyReplay) -> Floats:
    """(n,) modelled dollars of following the advice: each condor is scaled by the advised risk, and 0 if skipped."""
    return followed.net_pnl_dollars * followed.risk_share


def summarise_pnl(pnl: Floats) -> PnlSummary:
    """Summarise (n,) dollars per session."""
    return PnlSummary(
        sessions=len(pnl),
        mean=float(pnl.mean()),
        mean_error=mean_error(pnl),
        total=float(pnl.sum()),
        worst=float(pnl.min()),
        max_drawdown=float(drawdown(pnl).max()),
        sharpe=sharpe(pnl),
        sortino=sortino(pnl),
    )


def drawdown(pnl: Floats) -> Floats:
    """(n,) dollars below the highest equity so far; equity starts at 0."""
    return loss_from_peak(np.cumsum(pnl), 0.0)


def by_advice(followed: PolicyReplay) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """(n,) the sessions that were given each kind of advice; kinds never given are left out."""
    full = followed.traded & (followed.risk_share >= FULL_RISK_SHARE)
    kinds = {
        TradeAction.TRADE_FULL: full,
        TradeAction.TRADE_REDUCED: followed.traded & ~full,
        TradeAction.SKIP_TODAY: ~followed.traded,
    }
    for advice, given in kinds.items():
        if given.any():
            yield advice.value, given
