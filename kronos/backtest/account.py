"""An account that sells the condors: affordable contracts, daily profit and loss, equity, drawdown and ratios.

Trades may overlap. Each may risk `risk_pct` of the settled equity, and all open trades together never more than the
equity: what open condors can still lose is set aside until they end. Profit and loss is booked on the day a condor
ends; open condors are not marked to market.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kronos.backtest.trades import Trades
from kronos.condor.costs import AccountLimits
from kronos.condor.spec import CondorSpec
from kronos.market.history import Flags, Floats, MarketHistory
from kronos.market.sessions import Days
from kronos.statistics.ratios import loss_from_peak, sharpe, sortino

ROUNDING = 1e-9
CENT = 0.01


@dataclass(frozen=True, eq=False)
class Account:
    """k accounts, one for each multiplier, over d sessions.

    Attributes
    ----------
    days : (d,) every session from an entry to its settlement, traded or not
    contracts : (n, k) contracts sold of each condor; 0 if it was not traded
    too_small : (n, k) whether the share of the equity that one trade may risk did not cover one contract
    pnl_dollars : (d, k) booked on each day
    equity_dollars : (d, k) at the end of each day
    start_dollars : equity before the first day
    """

    days: Days
    contracts: npt.NDArray[np.int64]
    too_small: Flags
    pnl_dollars: Floats
    equity_dollars: Floats
    start_dollars: float

    @property
    def drawdown(self) -> Floats:
        """(d, k) loss since the highest equity so far, as a fraction of that equity, 0 to 1."""
        lost = loss_from_peak(self.equity_dollars, self.start_dollars)
        peak = self.equity_dollars + lost
        return np.divide(lost, peak, out=np.zeros_like(peak), where=peak > 0)

    @property
    def daily_returns(self) -> Floats:
        """(d, k) profit as a fraction of the previous day's equity; 0 on days when no trade ends."""
        before = self.equity_dollars - self.pnl_dollars
        return np.divide(self.pnl_dollars, before, out=np.zeros_like(before), where=before > 0)

    def sharpe(self, column: int) -> float | None:
        """Sharpe ratio of the daily returns of all days; None if they never vary."""
        return sharpe(self.daily_returns[:, column])

    def sortino(self, column: int) -> float | None:
        """Sortino ratio of the daily returns of all days; None without losses."""
        return sortino(self.daily_returns[:, column])


def trade_account(history: MarketHistory, trades: Trades, spec: CondorSpec, limits: AccountLimits) -> Account:
    """Trade the condors in order, with a separate account for each multiplier.

    The number of contracts is limited by `risk_pct` of the equity, by the equity not yet at risk, both at the condor's
    worst loss, and by `max_contracts`. If it is 0, the session is not traded. For entries at the close, trades that
    settle at that close are settled first.
    """
    ahead = np.arange(spec.dte_sessions + 1)
    alive = np.unique(trades.positions[:, None] + ahead)
    entry_on = np.full(len(alive), -1)
    entry_on[np.searchsorted(alive, trades.positions)] = np.arange(len(trades.positions))
    ends = np.searchsorted(alive, trades.positions[:, None] + trades.endings.sessions_held)
    book = _Book(trades, limits, ends, len(alive))
    for day, entry in enumerate(entry_on):
        if spec.entry == "close":
            book.settle(day)
        if entry >= 0:
            book.enter(entry)
        if spec.entry == "open":
            book.settle(day)
    return Account(
        history.sessions[alive], book.contracts, book.too_small, book.pnl, book.equity_by_day, limits.equity_dollars
    )


class _Book:
    """The running state: equity, the amount at risk, and what each day will book."""

    def __init__(self, trades: Trades, limits: AccountLimits, ends: npt.NDArray[np.intp], days: int) -> None:
        count = len(trades.shorts)
        self._columns = np.arange(count)
        self._ends = ends
        self._risk = limits.risk_pct / 100
        self._cap = math.inf if limits.max_contracts is None else limits.max_contracts
        self._sold = trades.sold
        self._net = np.where(trades.sold, trades.net_pnl_dollars, 0.0)
        self._worst = np.where(trades.sold, np.maximum(trades.worst_loss_dollars, CENT), CENT)
        self._equity = np.full(count, limits.equity_dollars)
        self._at_risk = np.zeros(count)
        self._released = np.zeros((days, count))
        self.contracts = np.zeros(trades.skip.shape, dtype=np.int64)
        self.too_small = np.zeros(trades.skip.shape, dtype=bool)
        self.pnl = np.zeros((days, count))
        self.equity_by_day = np.zeros((days, count))

    def enter(self, entry: int) -> None:
        budget = np.minimum(self._risk * self._equity, self._equity - self._at_risk)
        affordable = np.floor(budget / self._worst[entry] + ROUNDING)
        alone = self._risk * self._equity / self._worst[entry] + ROUNDING
        self.too_small[entry] = self._sold[entry] & (alone < 1) & bool(self._risk > 0)
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
