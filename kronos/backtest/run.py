"""Backtest a condor over a range of history, with modelled credits or real quotes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kronos.backtest.account import Account, trade_account
from kronos.backtest.endings import Reason
from kronos.backtest.exits import HELD, Exit
from kronos.backtest.prices import BY_VIX, Prices
from kronos.backtest.quotes import EntryQuotes
from kronos.backtest.trades import Skip, Trades, sell
from kronos.condor.costs import DEFAULT_COSTS, DEFAULT_LIMITS, DOLLARS_PER_POINT, AccountLimits, Costs
from kronos.condor.entry import PriceSource, PriceTally, price_sources
from kronos.condor.labels import breaches
from kronos.condor.shorts import Shorts
from kronos.condor.spec import OUTCOMES, SD_MULTIPLIERS, CondorSpec
from kronos.errors import MarketDataError
from kronos.market.history import Flags, Floats, MarketHistory, Positions
from kronos.market.sessions import Days


@dataclass(frozen=True, eq=False)
class Backtest:
    """Every session's condor at every multiplier, and an account per multiplier.

    Attributes
    ----------
    spec, leaving, costs, limits : what was traded, how it was left, what it cost, and what an account could risk
    trades : (n, k) condors at listed strikes, one contract each
    put_breached, call_breached : (n, k) 1.0 or 0.0, at exact multiples of the expected move like the model's labels;
        NaN where a bar is missing
    account : the accounts that traded them
    prices : where the prices at entry come from, with the sessions that were left out
    left_out : sessions that were not entered, by reason: `lagging_print`; `not_settled` where the history ends before
        their settlement; `not_predicted` in the efficient world
    """

    spec: CondorSpec
    leaving: Exit
    costs: Costs
    limits: AccountLimits
    trades: Trades
    put_breached: Floats
    call_breached: Floats
    account: Account
    prices: PriceTally
    left_out: Mapping[str, Days]

    @property
    def sessions(self) -> Days:
        """(n,) the sessions that were backtested."""
        return self.trades.sessions

    @property
    def net_pnl_dollars(self) -> Floats:
        """(n, k) of one contract after all costs, whether it was sold or not; NaN where there is no credit."""
        return self.trades.net_pnl_dollars

    def figures(self) -> Iterator[dict[str, Any]]:
        """One flat record per multiplier.

        Shares and means are over the `condors` that could be sold, and None if there are none. `traded` counts those
        that the account could afford.
        """
        for at, shorts in enumerate(self.trades.shorts):
            yield {"sd_multiplier": shorts.label, **self._counts(at), **self._means(at), **self._account_figures(at)}

    def summary(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "sessions": len(self.sessions),
            "first": str(self.sessions[0]),
            "last": str(self.sessions[-1]),
            "entry_price_sources": self.prices.as_dict(),
            "not_settled_left_out": len(self.left_out["not_settled"]),
            "money": self.trades.money,
            "leaving": asdict(self.leaving),
            "by_multiplier": {str(figures["sd_multiplier"]): figures for figures in self.figures()},
        }

    def stopped_on(self, at: int) -> np.datetime64 | None:
        """The first session from which on an account could not afford one contract any more; None if it went on."""
        sold = np.flatnonzero(self.trades.sold[:, at])
        after = sold[np.searchsorted(sold, np.flatnonzero(self.account.contracts[:, at]).max(initial=-1), "right") :]
        stopped = len(after) and self.account.too_small[after, at].all()
        return np.datetime64(self.sessions[after[0]], "D") if stopped else None

    def _counts(self, at: int) -> dict[str, int]:
        skip = self.trades.skip[:, at]
        condors, traded = int((skip == Skip.NONE).sum()), int((self.account.contracts[:, at] > 0).sum())
        skipped = {f"skipped_{reason.name.lower()}": int((skip == reason).sum()) for reason in Skip if reason}
        reasons = self.trades.endings.reason[:, at][self.trades.sold[:, at]]
        ended = {f"ended_{reason.name.lower()}": int((reasons == reason).sum()) for reason in Reason}
        too_small = int(self.account.too_small[:, at].sum())
        limits = {"skipped_not_affordable": too_small, "skipped_limit_reached": condors - traded - too_small}
        return {"condors": condors, "traded": traded, **skipped, **limits, **ended}

    def _means(self, at: int) -> dict[str, float | None]:
        sold = self.trades.sold[:, at]
        outcome = self.trades.outcome[:, at]
        shares = {name.lower(): _mean(outcome == code, sold) for code, name in enumerate(OUTCOMES)}
        return {
            **shares,
            "mean_credit_dollars": _mean(DOLLARS_PER_POINT * self.trades.credit_points[:, at], sold),
            "mean_net_pnl_dollars": _mean(self.trades.net_pnl_dollars[:, at], sold),
        }

    def _account_figures(self, at: int) -> dict[str, Any]:
        account = self.account
        stopped = self.stopped_on(at)
        return {
            "days": len(account.days),
            "first_not_affordable_on": _day(self.sessions[self.account.too_small[:, at]][:1]),
            "stopped_on": None if stopped is None else str(stopped),
            "total_pnl_dollars": float(account.pnl_dollars[:, at].sum()),
            "final_equity_dollars": float(account.equity_dollars[-1, at]),
            "max_drawdown_pct": 100 * float(account.drawdown[:, at].max()),
            "sharpe": account.sharpe(at),
            "sortino": account.sortino(at),
            "money": self.trades.money,
        }


def backtest(
    history: MarketHistory,
    spec: CondorSpec,
    costs: Costs = DEFAULT_COSTS,
    limits: AccountLimits = DEFAULT_LIMITS,
    *,
    sd_multipliers: Sequence[float | Shorts] = SD_MULTIPLIERS,
    leaving: Exit = HELD,
    start: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
    prices: Prices = BY_VIX,
) -> Backtest:
    """Sell one condor per session at every multiplier, and manage it as the spec says.

    Parameters
    ----------
    sd_multipliers : (k,) distances of the short strikes in expected moves, above 0; or `Shorts`, for unequal sides and
        for deltas
    leaving : when condors are bought back early; only for those that are held to settlement otherwise
    start, end : first and last entry
    prices : where the credits come from; only sessions between the first and the last that it covers are entered

    Raises
    ------
    MarketDataError
        If no session is left to trade.
    ValueError
        If condors that are closed when touched are to leave early too.
    """
    if leaving and spec.management != "hold":
        raise ValueError(
            "a profit target, a stop or a time of exit needs condors that are held to settlement otherwise"
        )
    wanted, inside = _wanted(history, start, end), _within(history, prices)
    chosen, outside = wanted & inside, wanted & ~inside
    source = price_sources(history, spec)
    if isinstance(prices, EntryQuotes) and prices.carry_price:
        source = np.full_like(source, PriceSource.GIVEN)
    tally, lagging = PriceTally.of(source[chosen]), source == PriceSource.LAGGING_PRINT
    asked, chosen = chosen, chosen & ~lagging
    settled = np.arange(len(history)) < len(history) - spec.dte_sessions
    positions: Positions = np.flatnonzero(chosen & settled)
    if not len(positions):
        raise MarketDataError(_nothing_left(history, start, end, lags=bool((asked & lagging).any())))
    trades = sell(history, positions, spec, costs, sd_multipliers, prices, leaving)
    if (trades.skip == Skip.NO_BAR).all():
        raise MarketDataError("no session between these dates has both entry and settlement prices")
    widths = [np.full((len(history), len(trades.shorts)), np.nan) for _ in range(2)]
    for of_history, of_trades in zip(widths, (trades.put_width, trades.call_width), strict=True):
        of_history[positions] = of_trades
    put, call = breaches(history, spec, *widths)
    return Backtest(
        spec=spec,
        leaving=leaving,
        costs=costs,
        limits=limits,
        trades=trades,
        put_breached=put[positions],
        call_breached=call[positions],
        account=trade_account(history, trades, spec, limits),
        prices=tally,
        left_out={
            "lagging_print": history.sessions[asked & lagging],
            "not_settled": history.sessions[chosen & ~settled],
            **({} if prices.uncovered is None else {prices.uncovered: history.sessions[outside]}),
        },
    )


def _wanted(history: MarketHistory, start: np.datetime64 | None, end: np.datetime64 | None) -> Flags:
    """(n,) the sessions from `start` to `end`."""
    chosen = np.ones(len(history), dtype=bool)
    if start is not None:
        chosen &= history.sessions >= start
    if end is not None:
        chosen &= history.sessions <= end
    return chosen


def _within(history: MarketHistory, prices: Prices) -> Flags:
    """(n,) whether a session lies between the first and the last that has a price."""
    covered = np.flatnonzero(prices.covers(history.sessions))
    inside = np.zeros(len(history), dtype=bool)
    if len(covered):
        inside[covered[0] : covered[-1] + 1] = True
    return inside


def _nothing_left(history: MarketHistory, start: np.datetime64 | None, end: np.datetime64 | None, *, lags: bool) -> str:
    between = f"between {start or history.sessions[0]} and {end or history.sessions[-1]}"
    if lags:
        return (
            f"no session to trade {between}: SPX's printed opens lag; add bars of SPY with `kronos fetch`, "
            "enter at the close, or use other years"
        )
    return f"no session to trade {between}: neither bars nor quotes reach from an entry there to its settlement"


def _day(days: Days) -> str | None:
    return str(days[0]) if len(days) else None


def _mean(values: Floats | Flags, chosen: Flags) -> float | None:
    return float(values[chosen].mean()) if chosen.any() else None
