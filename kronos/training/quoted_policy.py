"""The policy scored on quoted credits: which it would have traded, and what came of them. Sizes are not scored.

Its probabilities are out of fold, its margins are learned before each fold, and the fair credits beside the quotes come
of curves and losses that had settled before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kronos.backtest import Trades
from kronos.backtest.prices import FairPrices, Offer
from kronos.condor.costs import DEFAULT_COSTS, DOLLARS_PER_POINT, Costs
from kronos.condor.spec import MULTIPLIERS, CondorSpec
from kronos.condor.strikes import expected_move
from kronos.features.variants import FULL, Variant
from kronos.market.history import Flags, Floats, MarketHistory
from kronos.model.policy import Policy, TradeAction
from kronos.model.prediction import Prediction
from kronos.progress import Progress
from kronos.statistics.intervals import mean_error
from kronos.training.estimator import walk_variant
from kronos.training.policy_fit import walked_policies
from kronos.training.recipe import DEFAULT_RECIPES
from kronos.training.rows import build_rows
from kronos.training.walk_forward import Predictions
from kronos.training.worlds import fair_prices


@dataclass(frozen=True, slots=True)
class WayOfTrading:
    """One way to choose among quoted condors; money is $ of one contract after costs, and None where there is none.

    Attributes
    ----------
    traded : sessions
    mean_error : half the 95 % interval of the mean, by session
    """

    traded: int
    mean_net_pnl_dollars: float | None
    mean_error: float | None
    total_net_pnl_dollars: float


@dataclass(frozen=True, slots=True)
class QuotedPolicyScores:
    """The policy on the quotes at one multiplier.

    Attributes
    ----------
    sessions : with a quote and a prediction
    mean_credit_points, mean_fair_credit_points, mean_payout_points : quoted, said by the curve, and paid
    mean_expected_pnl_points, mean_pnl_points : said with the quote and come of it, after fees, over all sessions
    implausible : quotes too good to be true
    always, without_quotes, with_quotes : every quote sold; by probability alone; and with the quotes' say
    """

    sd_multiplier: float | str
    sessions: int
    mean_credit_points: float
    mean_fair_credit_points: float
    mean_payout_points: float
    mean_expected_pnl_points: float
    mean_pnl_points: float
    implausible: int
    always: WayOfTrading
    without_quotes: WayOfTrading
    with_quotes: WayOfTrading

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def score_on_quotes(
    history: MarketHistory,
    spec: CondorSpec,
    trades: Trades,
    variant: Variant = FULL,
    *,
    costs: Costs = DEFAULT_COSTS,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[QuotedPolicyScores]:
    """Score the policy on condors that were sold at quotes, one record for each multiplier with something to score.

    Parameters
    ----------
    trades : as `backtest` sold them at the quotes of a chain; those held to settlement only
    costs : what the trades were charged, of which the policy counts the commission

    Raises
    ------
    TrainingRefusedError
        If there is too little to train on.
    """
    rows = build_rows(history, spec)[0]
    walk = walk_variant(rows, variant, spec.horizon_sessions, DEFAULT_RECIPES[spec.entry], jobs=jobs, progress=progress)
    fair = fair_prices(walk.predictions, walk.tested, rows, history, spec)
    if fair is None:
        return []
    learned = walked_policies(walk.predictions, walk.tested, history, spec)
    policies = [replace(policy, commission_dollars=costs.commission_dollars) for policy in learned]
    move = expected_move(trades.price, trades.vix, spec.horizon_sessions)
    credits_said = fair.fair_credit_points(Offer(history, spec, trades.positions, trades.price, move, trades.strikes))
    found = []
    for column in range(len(trades.shorts)):
        known = trades.sold[:, column] & ~np.isnan(credits_said[:, column])
        if known.any():
            found.append(
                _scored(spec, trades, column, known, credits_said[:, column], walk.predictions, policies, fair)
            )
    return found


def _scored(
    spec: CondorSpec,
    trades: Trades,
    column: int,
    known: Flags,
    fair_credit: Floats,
    tested: Predictions,
    policies: Sequence[Policy],
    fair: FairPrices,
) -> QuotedPolicyScores:
    chosen = np.flatnonzero(known)
    skipped_rows = len(tested.rows) - len(fair.sessions)
    move = expected_move(trades.price, trades.vix, spec.horizon_sessions)
    sides = np.column_stack([trades.put_width[:, column], trades.call_width[:, column]]) / move[:, None]
    at = np.searchsorted(tested.rows.sessions, trades.sessions[chosen])
    credit, net = trades.credit_points[chosen, column], trades.net_pnl_dollars[chosen, column]
    traded, kept, expected, implausible = np.zeros(len(chosen), bool), np.zeros(len(chosen), bool), [], 0
    for place, row in enumerate(at):
        policy = policies[fair.fold[row - skipped_rows]]
        shape, (put, call) = fair.shapes[fair.fold[row - skipped_rows]], sides[chosen[place]]
        won, base, recent = (
            shape.win_probability(put, call, MULTIPLIERS, curves[row])
            for curves in (tested.probability, tested.climatology, np.maximum.accumulate(tested.recent, axis=1))
        )
        said = Prediction(won, base, MULTIPLIERS, tested.probability[row], tested.climatology[row])
        quote = policy.value(float(credit[place]), float(fair_credit[chosen[place]]))
        expected.append(quote.expected_pnl)
        implausible += quote.is_implausible
        decisions = [policy.decide(said, recent_rate=recent, quote=one) for one in (None, quote)]
        traded[place], kept[place] = (one.advice is not TradeAction.SKIP_TODAY for one in decisions)
    return QuotedPolicyScores(
        sd_multiplier=trades.shorts[column].label,
        sessions=len(chosen),
        mean_credit_points=float(credit.mean()),
        mean_fair_credit_points=float(fair_credit[chosen].mean()),
        mean_payout_points=float(trades.endings.cost_points[chosen, column].mean()),
        mean_expected_pnl_points=float(np.mean(expected)),
        mean_pnl_points=float(net.mean() / DOLLARS_PER_POINT),
        implausible=implausible,
        always=_way(net),
        without_quotes=_way(net[traded]),
        with_quotes=_way(net[kept]),
    )


def _way(net: Floats) -> WayOfTrading:
    if not len(net):
        return WayOfTrading(0, None, None, 0.0)
    return WayOfTrading(len(net), float(net.mean()), mean_error(net), float(net.sum()))
