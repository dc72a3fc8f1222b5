"""An account that sells the condors: contracts it can afford, profit and loss by day, equity, drawdown, ratios.

Trades may overlap. Each may risk `risk_pct` of the settled equity, and all that are open together never more than
the equity: what open condors can still lose is set aside until they end. Profit and loss is booked on the day a
condor ends; an open one is not marked to market.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kronos.backtest.trades import Trades
from kronos.condor.costs import Terms
from kronos.condor.spec import CondorSpec
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import Days
from kronos.statistics.ratios import loss_from_peak, sharpe, sortino

ROUNDING = 1e-9
CENT = 0.01


@dataclass(frozen=True, eq=False)
class Account:
    """k accounts, one for each multiplier, over d sessions.

    Attributes
    ----------
    days : (d,) every session from an entry's to its settlement, traded or not
    contracts : (n, k) sold of each condor; 0 where none
    pnl_dollars : (d, k) booked on each day
    equity_dollars : (d, k) at the end of each day
    start_dollars : equity before the first day
    """

    days: Days
    contracts: npt.NDArray[np.int64]
    pnl_dollars: Floats
    equity_dollars: Floats
    start_dollars: float

    @property
    def drawdown(self) -> Floats:
        """(d, k) loss since the highest equity so far, as a fraction of it: 0 to 1."""
        lost = loss_from_peak(self.equity_dollars, self.start_dollars)
        peak = self.equity_dollars + lost
        return np.divide(lost, peak, out=np.zeros_like(peak), where=peak > 0)

    @property
    def daily_returns(self) -> Floats:
        """(d, k) profit over the equity of the day before; 0 on days without a trade's end."""
        before = self.equity_dollars - self.pnl_dollars
        return np.divide(self.pnl_dollars, before, out=np.zeros_like(before), where=before > 0)

    def sharpe(self, column: int) -> float | None:
        """Annual mean over standard deviation of the daily returns of all days; None where they never vary."""
        return sharpe(self.daily_returns[:, column])

    def sortino(self, column: int) -> float | None:
        """Annual mean over downside deviation (root mean square of the losses over all days); None without losses."""
        return sortino(self.daily_returns[:, column])


def trade_account(
    history: MarketHistory, trades: Trades, spec: CondorSpec, terms: Terms, risk_share: Floats | None = None
) -> Account:
    """Trade the condors in order, each multiplier with an account of its own.

    A condor's contracts are what `risk_pct` of the equity and the equity not yet at risk both allow, at its worst
    loss, capped; none is a session not traded. On an entry at the close, what settles there is settled first.

    Parameters
    ----------
    risk_share : (n,) share of `risk_pct` to use on each session, 0 to 1, as advised; default: all of it
    """
    ahead = np.arange(spec.dte_sessions + 1)
    alive = np.unique(trades.positions[:, None] + ahead)
    entry_on = np.full(len(alive), -1)
    entry_on[np.searchsorted(alive, trades.positions)] = np.arange(len(trades.positions))
    ends = np.searchsorted(alive, trades.positions[:, None] + trades.endings.sessions_held)
    book = _Book(trades, terms, ends, len(alive), np.ones(len(ends)) if risk_share is None else risk_share)
    for day, entry in enumerate(entry_on):
        if spec.entry == "close":
            book.settle(day)
        if entry >= 0:
            book.enter(entry)
        if spec.entry == "open":
            book.settle(day)
    return Account(history.sessions[alive], book.contracts, book.pnl, book.equity_by_day, terms.equity_dollars)


class _Book:
    """The running state: equity, what is at risk, and what each day will bring."""

    def __init__(self, trades: Trades, terms: Terms, ends: npt.NDArray[np.intp], days: int, risk: Floats) -> None:
        count = len(trades.sd_multipliers)
        self._columns = np.arange(count)
        self._ends = ends
        self._risk = risk * terms.risk_pct / 100
        self._cap = math.inf if terms.max_contracts is None else terms.max_contracts
        self._sold = trades.sold
        self._net = np.where(trades.sold, trades.net_pnl_dollars, 0.0)
        self._worst = np.where(trades.sold, np.maximum(trades.worst_loss_dollars, CENT), CENT)
        self._equity = np.full(count, terms.equity_dollars)
        self._at_risk = np.zeros(count)
        self._released = np.zeros((days, count))
        self.contracts = np.zeros(trades.skip.shape, dtype=np.int64)
        self.pnl = np.zeros((days, count))
        self.equity_by_day = np.zeros((days, count))

    def enter(self, entry: int) -> None:
        budget = np.minimum(self._risk[entry] * self._equity, self._equity - self._at_risk)
        affordable = np.floor(budget / self._worst[entry] + ROUNDING)
        contracts = np.where(self._sold[entry], np.clip(affordable, 0, self._cap), 0)
        self.contracts[entry] = contracts
        held = contracts * self._worst[entry]
        self._at_risk += held
        end = self._ends[entry]
        self._released[end, self._columns] += held
        self.pnl[end, self._columns] += contracts * self._net[entry]

    def settle(self, day: int) -> None:
        self._equity = self._equity + self.pnl[day]
        self._at_risk -= self._released[day]
        self.equity_by_day[day] = self._equity
