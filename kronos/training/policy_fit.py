"""Learn the policy from out-of-fold predictions: which sessions to skip, which to trade reduced, and how large.

Money is the short-dated world's, in which every session is sold at the volatility of its next days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from kronos.backtest import BY_SHORT_DATED
from kronos.backtest.trades import sell
from kronos.condor.costs import DEFAULT_COSTS
from kronos.condor.spec import DEFAULT_COLUMN, DEFAULT_SD_MULTIPLIER, CondorSpec
from kronos.market.history import Flags, Floats, MarketHistory, Positions
from kronos.market.sessions import Days
from kronos.model.policy import Policy
from kronos.statistics.intervals import mean_error, t_statistic
from kronos.training.sizing import largest_surviving_risk_pct
from kronos.training.walk_forward import Predictions, settled_before

SKIP_SHARES: Final = (0.05, 0.10, 0.20, 0.30)
"""Beyond the largest, sessions hardly differ from those that are usual."""
REDUCED_SHARE: Final = 0.10
FEWEST_SESSIONS: Final = 252
SKIPPING_EARNED_T: Final = 1.0
"""Skipping is kept for a gain of one standard error, like trees."""
NEVER: Final = 1.0


@dataclass(frozen=True, eq=False)
class PastTrades:
    """What sessions would have earned at multiplier 1.0, in the order of time; (n,) each.

    Attributes
    ----------
    sessions : entries
    confidence : probability minus the win rate of the 252 sessions before
    gross_dollars, net_dollars : of one condor before and after costs
    worst_loss_dollars : what one contract puts at risk, with costs
    """

    sessions: Days
    confidence: Floats
    gross_dollars: Floats
    net_dollars: Floats
    worst_loss_dollars: Floats

    @classmethod
    def of(cls, tested: Predictions, rows: Positions, history: MarketHistory, spec: CondorSpec) -> PastTrades:
        """Sell one condor for each of the given predictions that the history has bars for."""
        rows = rows[np.isin(tested.rows.sessions[rows], history.sessions)]
        positions = np.searchsorted(history.sessions, tested.rows.sessions[rows])
        alive = positions + spec.dte_sessions < len(history)
        rows, positions = rows[alive], positions[alive]
        trades = sell(history, positions, spec, DEFAULT_COSTS, (DEFAULT_SD_MULTIPLIER,), BY_SHORT_DATED)
        net = trades.net_pnl_dollars[:, 0]
        known = np.flatnonzero(~np.isnan(net))
        confidence = (tested.probability - tested.recent)[rows, DEFAULT_COLUMN]
        return cls(
            trades.sessions[known],
            confidence[known],
            trades.gross_pnl_dollars(DEFAULT_COSTS)[known, 0],
            net[known],
            trades.worst_loss_dollars[known, 0],
        )

    def take(self, chosen: Flags) -> PastTrades:
        """Some of the sessions."""
        return PastTrades(**{name: column[chosen] for name, column in vars(self).items()})

    def __len__(self) -> int:
        return len(self.confidence)


@dataclass(frozen=True, slots=True)
class LearnedPolicy:
    """A policy and its evidence, out of sample.

    Attributes
    ----------
    skip_share, reduced_share : shares of the past sessions that its margins would have skipped and reduced
    skipping_gain_dollars, skipping_gain_t : per session before costs, and over its standard error
    sessions : how many it was learned from
    """

    policy: Policy
    skip_share: float
    reduced_share: float
    skipping_gain_dollars: float
    skipping_gain_t: float
    sessions: int


def learn_policy(past: PastTrades) -> LearnedPolicy | None:
    """The margins that past sessions recommend, without a size of their own; None if they are too few to tell.

    Costs are left out of the choice of what to skip: where every trade costs more than it earns, counting them would
    only say that not to trade at all is best.
    """
    if len(past) < FEWEST_SESSIONS:
        return None
    best = (0.0, 0.0, 0.0)
    for share in SKIP_SHARES:
        saved = np.where(past.confidence < np.quantile(past.confidence, share), -past.gross_dollars, 0.0)
        gain, t_value = float(saved.mean()), t_statistic(saved)
        if t_value >= SKIPPING_EARNED_T and gain > best[1]:
            best = (share, gain, t_value)
    skip_share, gain, t_value = best
    skip_below = -float(np.quantile(past.confidence, skip_share)) if skip_share else NEVER
    reduced_share = REDUCED_SHARE if _reduced_sessions_earn_their_costs(past, skip_share) else 0.0
    full_within = -float(np.quantile(past.confidence, skip_share + reduced_share)) if reduced_share else skip_below
    policy = Policy(skip_below=skip_below, full_within=min(full_within, skip_below))
    return LearnedPolicy(policy, skip_share, reduced_share, gain, t_value, len(past))


def walked_policies(
    tested: Predictions, folds: Sequence[Positions], history: MarketHistory, spec: CondorSpec
) -> list[Policy]:
    """For each fold of a walk, the policy learned from the predictions that had settled before it.

    Where they are too few to tell, it is the default one, which a model trained then would have had.

    Parameters
    ----------
    folds : for each model of the walk, the positions in `tested` of what it predicted
    """
    past = PastTrades.of(tested, tested.scored(), history, spec)
    firsts = (tested.rows.sessions[own[0]] for own in folds)
    known = (past.take(settled_before(past.sessions, first, spec.horizon_sessions)) for first in firsts)
    return [Policy() if learned is None else learned.policy for learned in map(learn_policy, known)]


def walked_fractions(
    tested: Predictions, folds: Sequence[Positions], history: MarketHistory, spec: CondorSpec
) -> Floats:
    """(n,) fraction of a full trade's risk that the policies learned before each fold would have advised."""
    confidence = (tested.probability - tested.recent)[:, DEFAULT_COLUMN]
    fractions = np.ones(len(tested.rows))
    for own, policy in zip(folds, walked_policies(tested, folds, history, spec), strict=True):
        skipped, reduced = (confidence[own] < -margin for margin in (policy.skip_below, policy.full_within))
        fractions[own] = np.select([skipped, reduced], [0.0, policy.reduced_high], 1.0)
    return fractions


def shipped_policy(
    tested: Predictions, folds: Sequence[Positions], history: MarketHistory, spec: CondorSpec
) -> Policy | None:
    """The policy that all past sessions recommend, with the largest size that a year survives; None if they are few.

    The size is that of the policies learned before each fold, which knew nothing of the sessions that they traded.
    Sessions count whose credit would not have paid the slippage, since a real market may well have paid it.
    """
    past = PastTrades.of(tested, tested.scored(), history, spec)
    learned = learn_policy(past)
    if learned is None:
        return None
    fractions = walked_fractions(tested, folds, history, spec)
    at = np.searchsorted(tested.rows.sessions, past.sessions)
    on_risk = fractions[at] * past.net_dollars / past.worst_loss_dollars
    return replace(learned.policy, risk_cap_pct=largest_surviving_risk_pct(on_risk))


def _reduced_sessions_earn_their_costs(past: PastTrades, skip_share: float) -> bool:
    """Whether the sessions above the skipped ones earned their costs, and yet clearly less than the rest."""
    low, high = np.quantile(past.confidence, [skip_share, skip_share + REDUCED_SHARE])
    between, rest = (past.confidence >= low) & (past.confidence < high), past.confidence >= high
    earned, others = past.net_dollars[between], past.net_dollars[rest]
    if len(earned) < 2 or len(others) < 2 or earned.mean() <= mean_error(earned):
        return False
    return bool(others.mean() - earned.mean() > np.hypot(mean_error(earned), mean_error(others)))
