"""Sell the condor on every session and see what became of it: outcomes, and money per contract, modelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kronos.condor import (
    SD_MULTIPLIERS,
    CondorSpec,
    breaches,
    entry_price,
    entry_vix,
    expected_move,
    listed_strikes,
    settlement_price,
)
from kronos.errors import MarketDataError
from kronos.market import Floats, MarketHistory, stale_open_years, years_of
from kronos.pricing import modelled_credit
from kronos.sessions import Days

DOLLARS_PER_POINT = 100.0
SPREADS = 2
LEGS = 4


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading takes: slippage in points a spread, commission in dollars a leg; legs that expire pay none."""

    slippage_points: float = 0.15
    commission_dollars: float = 0.65


@dataclass(frozen=True, eq=False)
class Backtest:
    """Every session's condor at every multiplier.

    Attributes
    ----------
    sessions : (n,) entries
    put_breached, call_breached : (n, k) 1.0 or 0.0, at exact multiples of the expected move
    credit_dollars : (n, k) a contract after slippage, modelled
    net_pnl_dollars : (n, k) a contract after all costs, at listed strikes; modelled, since the credit is
    stale_years : years left out since their opens are stale
    """

    sessions: Days
    put_breached: Floats
    call_breached: Floats
    credit_dollars: Floats
    net_pnl_dollars: Floats
    stale_years: tuple[int, ...]

    @property
    def won(self) -> Floats:
        """(n, k) 1.0 for full profit."""
        return 1.0 - np.maximum(self.put_breached, self.call_breached)

    def summary(self) -> dict[str, Any]:
        """Plain values by multiplier, for JSON."""
        by_multiplier = {
            f"{multiplier:.1f}": {
                "full_profit": float(self.won[:, at].mean()),
                "put_breached": float(self.put_breached[:, at].mean()),
                "call_breached": float(self.call_breached[:, at].mean()),
                "mean_credit_dollars_modelled": float(self.credit_dollars[:, at].mean()),
                "mean_net_pnl_dollars_modelled": float(self.net_pnl_dollars[:, at].mean()),
            }
            for at, multiplier in enumerate(SD_MULTIPLIERS)
        }
        return {
            "sessions": len(self.sessions),
            "first": str(self.sessions[0]),
            "last": str(self.sessions[-1]),
            "stale_years_left_out": list(self.stale_years),
            "by_multiplier": by_multiplier,
        }


def backtest(
    history: MarketHistory,
    spec: CondorSpec,
    costs: Costs | None = None,
    start: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
) -> Backtest:
    """Sell one condor a session at every multiplier, and hold it to settlement.

    Raises
    ------
    MarketDataError
        Where no session is left between `start` and `end`.
    """
    costs = costs or Costs()
    price, vix, settlement = (
        entry_price(history, spec),
        entry_vix(history, spec),
        settlement_price(history, spec),
    )
    stale = stale_open_years(history) if spec.entry == "open" else []
    chosen = ~np.isnan(price) & ~np.isnan(vix) & ~np.isnan(settlement)
    chosen &= ~np.isin(years_of(history.sessions), stale)
    chosen &= history.sessions >= (start if start is not None else history.sessions[0])
    chosen &= history.sessions <= (end if end is not None else history.sessions[-1])
    if not chosen.any():
        raise MarketDataError(
            f"no session to trade between {start or history.sessions[0]} and {end or history.sessions[-1]}"
        )
    half_width = expected_move(price, vix, spec.horizon_sessions)[:, None] * np.array(SD_MULTIPLIERS)
    put, call = breaches(history, spec, half_width)
    credit, net = _money(
        price[chosen, None], vix[chosen, None], settlement[chosen, None], half_width[chosen], spec, costs
    )
    return Backtest(history.sessions[chosen], put[chosen], call[chosen], credit, net, tuple(stale))


def _money(
    price: Floats, vix: Floats, settlement: Floats, half_width: Floats, spec: CondorSpec, costs: Costs
) -> tuple[Floats, Floats]:
    """Credit and net P&L, dollars a contract."""
    credit_points = modelled_credit(price, vix, half_width, spec) - SPREADS * costs.slippage_points
    put_long, put_short, call_short, call_long = listed_strikes(price, half_width, spec)
    puts = np.maximum(put_short - settlement, 0) - np.maximum(put_long - settlement, 0)
    calls = np.maximum(settlement - call_short, 0) - np.maximum(settlement - call_long, 0)
    net = DOLLARS_PER_POINT * (credit_points - puts - calls) - LEGS * costs.commission_dollars
    return DOLLARS_PER_POINT * credit_points, net
