"""Sell a condor on every session: how each one ended, and what an account made of them."""

from kronos.backtest.account import Account, trade_account
from kronos.backtest.exits import Exit
from kronos.backtest.prices import BY_SHORT_DATED, BY_VIX, FairPrices, Prices, SurfacePrices
from kronos.backtest.run import Backtest, backtest
from kronos.backtest.trades import Skip, Trades

__all__ = [
    "BY_SHORT_DATED",
    "BY_VIX",
    "Account",
    "Backtest",
    "Exit",
    "FairPrices",
    "Prices",
    "Skip",
    "SurfacePrices",
    "Trades",
    "backtest",
    "trade_account",
]
