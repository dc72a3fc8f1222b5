"""The policy scored with money, out of sample: the sessions that it trades against those that it skips."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kronos.backtest import Backtest
from kronos.condor.spec import DEFAULT_COLUMN, DEFAULT_SD_MULTIPLIER, MULTIPLIERS
from kronos.market.history import Floats, Positions
from kronos.market.sessions import Days
from kronos.model.policy import Policy, TradeAction
from kronos.model.prediction import Prediction
from kronos.statistics.intervals import bootstrap_counts, central
from kronos.training.walk_forward import Predictions


@dataclass(frozen=True, slots=True)
class PolicyScores:
    """Mean modelled net P&L of one condor at multiplier 1.0, in dollars.

    `difference` is traded minus skipped, and its interval is a block bootstrap. Both are None if the policy
    traded every session or skipped every session.
    """

    sessions: int
    traded_share: float
    mean_pnl_traded: float | None
    mean_pnl_skipped: float | None
    difference: float | None
    difference_interval: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class PolicyReplay:
    """What the policy would have advised and what a condor earned, session by session.

    Attributes
    ----------
    sessions : (n,)
    traded : (n,) whether the advice was to trade, full or reduced
    risk_share : (n,) advised risk as a fraction of the risk of a full trade, 0 to 1
    net_pnl_dollars : (n,) modelled, of one condor, whether it was traded or not
    """

    sessions: Days
    traded: npt.NDArray[np.bool_]
    risk_share: Floats
    net_pnl_dollars: Floats

    def scores(self, seed: int = 0) -> PolicyScores:
        """Compare the traded with the skipped sessions."""
        taken, left = self.net_pnl_dollars[self.traded], self.net_pnl_dollars[~self.traded]
        both = len(taken) > 0 and len(left) > 0
        return PolicyScores(
            sessions=len(self.sessions),
            traded_share=float(self.traded.mean()),
            mean_pnl_traded=float(taken.mean()) if len(taken) else None,
            mean_pnl_skipped=float(left.mean()) if len(left) else None,
            difference=float(taken.mean() - left.mean()) if both else None,
            difference_interval=_interval(self.net_pnl_dollars, self.traded, seed) if both else None,
        )


def replay_policy(tested: Predictions, rows: Positions, money: Backtest, policy: Policy) -> PolicyReplay:
    """Apply the policy to each of the given out-of-fold rows, with the base rate known at that time.

    Parameters
    ----------
    rows : positions in `tested`; rows whose session was not backtested are left out
    """
    sessions = tested.rows.sessions[rows]
    rows = rows[np.isin(sessions, money.sessions)]
    sessions = tested.rows.sessions[rows]
    decisions = [
        policy.decide(
            Prediction.at(DEFAULT_SD_MULTIPLIER, MULTIPLIERS, tested.probability[row], tested.climatology[row])
        )
        for row in rows
    ]
    return PolicyReplay(
        sessions=sessions,
        traded=np.array([decision.advice is not TradeAction.SKIP_TODAY for decision in decisions], dtype=bool),
        risk_share=np.array([decision.suggested_risk_pct / policy.full_risk_pct for decision in decisions]),
        net_pnl_dollars=money.net_pnl_dollars[np.searchsorted(money.sessions, sessions), DEFAULT_COLUMN],
    )


def _interval(pnl: Floats, traded: npt.NDArray[np.bool_], seed: int) -> tuple[float, float]:
    """95 % block-bootstrap interval for mean traded minus mean skipped."""
    counts = bootstrap_counts(len(pnl), np.random.default_rng(seed))
    counts = counts[(counts[:, traded].sum(axis=1) > 0) & (counts[:, ~traded].sum(axis=1) > 0)]
    means = [(counts[:, chosen] @ pnl[chosen]) / counts[:, chosen].sum(axis=1) for chosen in (traded, ~traded)]
    return central(means[0] - means[1])
