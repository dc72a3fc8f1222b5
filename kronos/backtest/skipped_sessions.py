"""What condors would have made on sessions that were not traded: modelled credits, listed strikes, after costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kronos.backtest.prices import BY_VIX
from kronos.backtest.trades import sell
from kronos.condor.costs import Costs
from kronos.condor.entry import PriceSource, price_sources
from kronos.condor.labels import wins
from kronos.condor.spec import CondorSpec
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import Days


@dataclass(frozen=True, eq=False)
class ModelledCondors:
    """One condor of one contract per session.

    Attributes
    ----------
    won : (n,) 1.0 or 0.0 at exact multiples of the expected move; NaN where no condor can be modelled
    net_pnl_dollars : (n,) after all costs; NaN where `won` is
    """

    won: Floats
    net_pnl_dollars: Floats


def model_condors(
    history: MarketHistory | None, spec: CondorSpec, sessions: Days, sd_multipliers: Floats
) -> ModelledCondors:
    """Model condors that were not sold.

    A condor cannot be modelled if a bar of its entry or settlement is missing, if SPX's printed open lags and
    there is no bar of SPY (entry at the open), or if the credit does not cover the slippage.

    Parameters
    ----------
    sessions : (n,) datetime64[D], in any order, with or without repeats
    sd_multipliers : (n,) distance of each session's short strikes in expected moves
    """
    won, net = np.full(len(sessions), np.nan), np.full(len(sessions), np.nan)
    if history is None:
        return ModelledCondors(won, net)
    at = np.minimum(np.searchsorted(history.sessions, sessions), len(history) - 1)
    usable = (history.sessions[at] == sessions) & (at < len(history) - spec.dte_sessions)
    usable &= price_sources(history, spec)[at] != PriceSource.LAGGING_PRINT
    for multiplier in np.unique(sd_multipliers[usable]):
        chosen = np.flatnonzero(usable & (sd_multipliers == multiplier))
        trades = sell(history, at[chosen], spec, Costs(), (float(multiplier),), BY_VIX)
        sold = trades.sold[:, 0]
        net[chosen[sold]] = trades.net_pnl_dollars[sold, 0]
        won[chosen[sold]] = wins(history, spec, [multiplier])[at[chosen[sold]], 0]
    return ModelledCondors(won, net)
