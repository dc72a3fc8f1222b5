"""What condors would have made on sessions that were not traded: modelled credits, listed strikes, after costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kronos.backtest.prices import BY_SHORT_DATED, BY_VIX
from kronos.backtest.trades import sell
from kronos.condor.costs import DEFAULT_COSTS, DOLLARS_PER_POINT
from kronos.condor.entry import PriceSource, price_sources
from kronos.condor.labels import wins
from kronos.condor.spec import CondorSpec
from kronos.condor.worlds import World
from kronos.market.history import Flags, Floats, MarketHistory, Positions
from kronos.market.sessions import Days


@dataclass(frozen=True, eq=False)
class ModelledCondors:
    """One condor of one contract per session.

    Attributes
    ----------
    won : (n,) 1.0 or 0.0 at exact multiples of the expected move; NaN where no condor can be modelled
    net_pnl_dollars : (n,) after all costs, by world of price; NaN where its credit does not cover the slippage, or is
        not known
    """

    won: Floats
    net_pnl_dollars: Mapping[World, Floats]


def model_condors(
    history: MarketHistory | None,
    spec: CondorSpec,
    sessions: Days,
    sd_multipliers: Floats,
    fair_credit_points: Floats | None = None,
) -> ModelledCondors:
    """Model condors that were not sold.

    A condor cannot be modelled if a bar of its entry or settlement is missing, or if SPX's printed open lags and there
    is no bar of SPY (entry at the open).

    Parameters
    ----------
    sessions : (n,) datetime64[D], in any order, with or without repeats
    sd_multipliers : (n,) distance of each session's short strikes in expected moves
    fair_credit_points : (n,) what the advice said that a condor pays on average, for the efficient world, which asks no
        premium here; NaN or None where it said nothing
    """
    nothing = np.full(len(sessions), np.nan)
    won, net = nothing.copy(), {world: nothing.copy() for world in World}
    if history is None:
        return ModelledCondors(won, net)
    fair = nothing if fair_credit_points is None else fair_credit_points
    at = np.minimum(np.searchsorted(history.sessions, sessions), len(history) - 1)
    usable = (history.sessions[at] == sessions) & (at < len(history) - spec.dte_sessions)
    usable &= price_sources(history, spec)[at] != PriceSource.LAGGING_PRINT
    for multiplier in np.unique(sd_multipliers[usable]):
        chosen = np.flatnonzero(usable & (sd_multipliers == multiplier))
        won[chosen] = wins(history, spec, [multiplier])[at[chosen], 0]
        for world, pnl in _sold(history, spec, at[chosen], float(multiplier), fair[chosen]).items():
            net[world][chosen] = pnl
    return ModelledCondors(won, net)


def _sold(
    history: MarketHistory, spec: CondorSpec, positions: Positions, multiplier: float, fair: Floats
) -> dict[World, Floats]:
    """(n,) net P&L in each world; NaN where nothing is sold."""
    found = {}
    for world, prices in ((World.VIX_ONLY, BY_VIX), (World.SHORT_DATED, BY_SHORT_DATED)):
        trades = sell(history, positions, spec, DEFAULT_COSTS, (multiplier,), prices)
        found[world] = _where(trades.sold[:, 0], trades.net_pnl_dollars[:, 0])
    credit = fair - DEFAULT_COSTS.trade_slippage_points
    kept = DOLLARS_PER_POINT * (credit - trades.endings.cost_points[:, 0]) - DEFAULT_COSTS.trade_commission_dollars
    found[World.EFFICIENT] = _where(credit >= DEFAULT_COSTS.minimum_credit_points, kept)
    return found


def _where(sold: Flags, pnl: Floats) -> Floats:
    return np.where(sold, pnl, np.nan)
