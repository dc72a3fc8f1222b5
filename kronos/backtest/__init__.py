"""Sell a condor on every session: how each one ended, and what an account made of them."""

from kronos.backtest.account import Account, trade_account
from kronos.backtest.run import Backtest, backtest
from kronos.backtest.trades import Skip, Trades

__all__ = ["Account", "Backtest", "Skip", "Trades", "backtest", "trade_account"]
