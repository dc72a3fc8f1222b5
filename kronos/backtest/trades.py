"""One condor per session and multiplier: its strikes, its credit, how it ends, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from kronos.backtest.endings import Endings, endings
from kronos.backtest.exits import HELD, Exit, Sold, leave_early
from kronos.backtest.prices import Offer, Prices
from kronos.backtest.quotes import QUOTED
from kronos.condor.costs import DOLLARS_PER_POINT, Costs
from kronos.condor.entry import entry_price, entry_vix
from kronos.condor.pricing import life_in_sessions
from kronos.condor.shorts import Shorts, half_widths
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import Strikes, expected_move, listed_strikes
from kronos.market.history import Flags, Floats, MarketHistory, Positions
from kronos.market.sessions import Days


class Skip(IntEnum):
    """Why a condor was not sold; `NONE` means that it was."""

    NONE = 0
    NO_BAR = 1
    NO_QUOTES = 2
    MISSING_STRIKES = 3
    BELOW_MINIMUM_CREDIT = 4


@dataclass(frozen=True, eq=False)
class Trades:
    """The condors of n sessions at k multipliers; money is for one contract.

    Attributes
    ----------
    sessions : (n,) entries
    positions : (n,) of the sessions in the history
    shorts : (k,) where the short strikes were to stand
    put_width, call_width : (n, k) exact distances of the short strikes in index points, before they were listed
    price, vix : (n,) at entry
    strikes : (n, k) listed strikes
    credit_points : (n, k) after slippage; NaN where a bar is missing or the chain lacks a strike
    skip : (n, k) values of `Skip`
    endings : (n, k) how each condor ended, sold or not
    net_pnl_dollars : (n, k) after all costs, whether the condor was sold or not; NaN without a credit
    worst_loss_dollars : (n, k) the most that one contract can lose, including costs; NaN without a credit
    source : where the prices come from: the name of a world, or `quoted`
    money : the same in words for tables
    """

    sessions: Days
    positions: Positions
    shorts: tuple[Shorts, ...]
    put_width: Floats
    call_width: Floats
    price: Floats
    vix: Floats
    strikes: Strikes
    credit_points: Floats
    skip: npt.NDArray[np.int8]
    endings: Endings
    net_pnl_dollars: Floats
    worst_loss_dollars: Floats
    source: str
    money: str

    @property
    def sold(self) -> Flags:
        """(n, k) whether the condor could be sold at the minimum credit or more."""
        return np.asarray(self.skip == Skip.NONE)

    def gross_pnl_dollars(self, costs: Costs) -> Floats:
        """(n, k) before all costs, of condors that were sold at a mid or modelled price at these costs."""
        paid = DOLLARS_PER_POINT * costs.trade_slippage_points + costs.trade_commission_dollars
        return np.asarray(self.net_pnl_dollars + paid * (1 + self.endings.bought_back))

    @property
    def outcome(self) -> npt.NDArray[np.int8]:
        """(n, k) positions in `OUTCOMES`, at listed strikes."""
        return (self.endings.put_breached + 2 * self.endings.call_breached.astype(np.int8)).astype(np.int8)


def sell(
    history: MarketHistory,
    positions: Positions,
    spec: CondorSpec,
    costs: Costs,
    shorts: Sequence[float | Shorts],
    prices: Prices,
    leaving: Exit = HELD,
) -> Trades:
    """Sell condors on each of the sessions, and follow them to their end.

    Parameters
    ----------
    positions : (n,) entry sessions in `history`, which also holds their settlements; bars may be missing
    shorts : (k,) where the short strikes stand; a number is a multiplier for both sides
    prices : where the credits come from
    leaving : when condors are bought back early; only those that are held to settlement otherwise
    """
    sessions = history.sessions[positions]
    price, vix = entry_price(history, spec)[positions], entry_vix(history, spec)[positions]
    price = prices.price_at_entry(sessions, price)
    move = expected_move(price, vix, spec.horizon_sessions)
    placed = tuple(one if isinstance(one, Shorts) else Shorts.even(one) for one in shorts)
    index = prices.surface.index(history, spec)[positions]
    life = life_in_sessions(history.sessions, spec)[positions]
    put_width, call_width = half_widths(placed, price, move, index, spec.entry, life, prices.surface)
    strikes = listed_strikes(price[:, None], put_width, spec, call_width)
    offer = Offer(history, spec, positions, price, move, strikes)
    credit = prices.credit_points(offer, costs)
    ended = endings(history, positions, strikes, spec, prices.surface)
    closing_modelled = spec.management != "hold"
    if leaving:
        marks = prices.marks(offer, leaving)
        slippage = costs.trade_slippage_points
        sold = Sold(credit, credit + (slippage if prices.credit_costs_slippage else 0.0))
        ended = leave_early(ended, marks, leaving, sold, slippage, strikes, spec)
        closing_modelled = not marks.quoted
    return Trades(
        sessions=sessions,
        positions=positions,
        shorts=placed,
        put_width=put_width,
        call_width=call_width,
        price=price,
        vix=vix,
        strikes=strikes,
        credit_points=credit,
        skip=_skips(np.isnan(ended.cost_points + put_width + call_width), prices.covers(sessions), credit, costs),
        endings=ended,
        net_pnl_dollars=_net_pnl(credit, ended, costs),
        worst_loss_dollars=_worst_loss(credit, spec, costs, early=bool(leaving)),
        source=prices.source,
        money=_money(prices, closing_modelled=closing_modelled),
    )


def _skips(absent: Flags, quoted: Flags, credit: Floats, costs: Costs) -> npt.NDArray[np.int8]:
    """(n, k) the first reason that applies."""
    reasons = {
        Skip.NO_BAR: absent,
        Skip.NO_QUOTES: np.broadcast_to(~quoted[:, None], credit.shape),
        Skip.MISSING_STRIKES: np.isnan(credit),
        Skip.BELOW_MINIMUM_CREDIT: credit < costs.minimum_credit_points,
    }
    return np.select(list(reasons.values()), [int(skip) for skip in reasons], int(Skip.NONE)).astype(np.int8)


def _net_pnl(credit: Floats, ended: Endings, costs: Costs) -> Floats:
    slippage = costs.trade_slippage_points if ended.costs_slippage else 0.0
    closing = DOLLARS_PER_POINT * slippage + costs.trade_commission_dollars
    kept = DOLLARS_PER_POINT * (credit - ended.cost_points) - costs.trade_commission_dollars
    return np.asarray(kept - closing * ended.bought_back)


def _worst_loss(credit: Floats, spec: CondorSpec, costs: Costs, *, early: bool) -> Floats:
    entering = DOLLARS_PER_POINT * (spec.wing_width_points - credit) + costs.trade_commission_dollars
    if spec.management == "hold" and not early:
        return entering
    return entering + DOLLARS_PER_POINT * costs.trade_slippage_points + costs.trade_commission_dollars


def _money(prices: Prices, *, closing_modelled: bool) -> str:
    return f"{prices.money}, closing modelled" if prices.source == QUOTED and closing_modelled else prices.money
