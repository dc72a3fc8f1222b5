"""Option chains: real bids and asks, and what a condor sells for at entry.

A strike without a quote cannot be traded: nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from kronos.backtest.exits import Exit, Mark, Marks
from kronos.backtest.prices import Offer, marks_on
from kronos.condor.costs import Costs
from kronos.condor.pricing import VIX_ONLY
from kronos.condor.settlement import OPENS_AT_MINUTE, settles_at_minute
from kronos.condor.spec import DEFAULT_SOLD_AT, Entry, SoldAt
from kronos.condor.strikes import Strikes
from kronos.errors import MarketDataError
from kronos.market.history import Flags, Floats
from kronos.market.sessions import Days

Minutes = npt.NDArray[np.int64]

QUOTED: Final = "quoted"
END_OF_DAY = -1
ENTRY_WINDOW_MINUTES = 15
PAIRED_MINUTES = 5
OTHER_UNDERLYING = 0.05
DAYS_TO_EXPIRY_LIMIT = 4096
STRIKE_LIMIT_CENTS = 2**24


@dataclass(frozen=True, eq=False)
class Chains:
    """Quotes of European, PM-settled options on one index, in arrays of shape (q,).

    Attributes
    ----------
    quoted_on, expiration : datetime64[D]
    minute : minutes after midnight in New York, or `END_OF_DAY`
    is_put : right
    strike, bid, ask : index points
    underlying : price of the index at the time of the quote; NaN where it is not given
    """

    quoted_on: Days
    minute: Minutes
    expiration: Days
    is_put: Flags
    strike: Floats
    bid: Floats
    ask: Floats
    underlying: Floats

    def __len__(self) -> int:
        return len(self.quoted_on)

    def take(self, chosen: npt.NDArray[np.intp] | Flags) -> Chains:
        """Some of the quotes."""
        return Chains(**{name: values[chosen] for name, values in vars(self).items()})

    @property
    def usable(self) -> Flags:
        """(q,) whether the contract has not expired, 0 <= bid <= ask, and the ask is above 0."""
        contract = _keys(self.quoted_on, self.expiration, self.is_put, self.strike) >= 0
        return np.asarray(contract & (self.bid >= 0) & (self.ask > 0) & (self.ask >= self.bid))

    def at_entry(self, entry: Entry, sold_at: SoldAt = DEFAULT_SOLD_AT) -> EntryQuotes:
        """The quotes that a trader can deal at on entry.

        At the open: each contract's first quote within 15 minutes after 09:30. At the close: its last quote within 15
        minutes before 16:00 (13:00 on half days), or its end-of-day quote.

        Raises
        ------
        MarketDataError
            If there is no usable quote at that time of day.
        """
        close = settles_at_minute(self.quoted_on)
        minute = np.where(self.minute == END_OF_DAY, close, self.minute)
        if entry == "open":
            in_time = (minute >= OPENS_AT_MINUTE) & (minute <= OPENS_AT_MINUTE + ENTRY_WINDOW_MINUTES)
        else:
            in_time = (minute >= close - ENTRY_WINDOW_MINUTES) & (minute <= close)
        chosen = np.flatnonzero(in_time & self.usable)
        if not len(chosen):
            raise MarketDataError(
                f"the chain has no usable quote within {ENTRY_WINDOW_MINUTES} minutes of the {entry}; "
                "end-of-day quotes can be used only for an entry at the close"
            )
        by_time = chosen[np.argsort(minute[chosen], kind="stable")]
        later = self.take(self.usable)
        return EntryQuotes(self.take(by_time if entry == "close" else by_time[::-1]), sold_at, later)


class EntryQuotes:
    """One quote per contract and day, looked up for many condors at once.

    Parameters
    ----------
    quotes : the last one is kept of several for the same contract and day
    sold_at : `natural` sells at the bid and buys at the ask; `mid` deals in the middle, less slippage
    later : quotes at which condors can be bought back; without them that is modelled
    """

    source = QUOTED
    surface = VIX_ONLY
    uncovered = None

    def __init__(self, quotes: Chains, sold_at: SoldAt, later: Chains | None = None) -> None:
        self.sold_at = sold_at
        self._later = later
        keys = _keys(quotes.quoted_on, quotes.expiration, quotes.is_put, quotes.strike)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        last = order[np.append(keys[1:] != keys[:-1], [True])]
        self._keys, self._bid, self._ask = np.unique(keys), quotes.bid[last], quotes.ask[last]
        self._days = np.unique(quotes.quoted_on)
        self._underlying = np.full(len(self._days), np.nan)
        priced = np.flatnonzero(~np.isnan(quotes.underlying))
        self._underlying[np.searchsorted(self._days, quotes.quoted_on[priced])] = quotes.underlying[priced]

    @property
    def money(self) -> str:
        """What tables call this money."""
        return f"{QUOTED} {self.sold_at}"

    @property
    def credit_costs_slippage(self) -> bool:
        """Whether slippage comes off the price to make the credit."""
        return self.sold_at == "mid"

    @property
    def carry_price(self) -> bool:
        """Whether the quotes of every day carry the price of the index."""
        return not np.isnan(self._underlying).any()

    def covers(self, sessions: Days) -> Flags:
        """(n,) whether a session has quotes."""
        return np.isin(sessions, self._days)

    def price_at_entry(self, sessions: Days, price: Floats) -> Floats:
        """(n,) the price that the quotes carry, or the given price where they carry none.

        Raises
        ------
        MarketDataError
            If the two are more than 5 % apart: the chain must then be of another underlying.
        """
        quoted = self.underlying(sessions)
        far = np.flatnonzero(np.abs(quoted / price - 1) > OTHER_UNDERLYING)
        if len(far):
            day = far[0]
            raise MarketDataError(
                f"on {sessions[day]} the chain has its underlying at {quoted[day]:g}, "
                f"but the market was at {price[day]:g}"
            )
        return np.where(np.isnan(quoted), price, quoted)

    def credit_points(self, offer: Offer, costs: Costs) -> Floats:
        """What the condors sell for at these quotes."""
        expirations = offer.history.sessions[offer.positions + offer.spec.dte_sessions]
        return self.credit(offer.sessions, expirations, offer.strikes, costs.trade_slippage_points)

    def credit(self, sessions: Days, expirations: Days, strikes: Strikes, slippage_points: float) -> Floats:
        """What condors sell for.

        Parameters
        ----------
        sessions, expirations : (n,)
        strikes : (n, k)
        slippage_points : for both spreads, subtracted from mid prices only; natural prices already include it

        Returns
        -------
        (n, k) index points; NaN where a strike is not quoted, or where the credit is at least the wing width, which no
        sound quotes would give
        """
        total = self._total(sessions, expirations, strikes, selling=True)
        total -= slippage_points if self.sold_at == "mid" else 0.0
        return np.where(total < np.maximum(*strikes.wings), total, np.nan)

    def _total(self, sessions: Days, expirations: Days, strikes: Strikes, *, selling: bool) -> Floats:
        """(n, k) what selling the condors brings in, or what buying them back costs."""
        total = np.zeros(strikes.put_short.shape)
        for strike, is_put, is_short in (
            (strikes.put_long, True, False),
            (strikes.put_short, True, True),
            (strikes.call_short, False, True),
            (strikes.call_long, False, False),
        ):
            bid, ask = self._find(sessions, expirations, is_put, strike)
            natural = bid if is_short == selling else ask
            price = natural if self.sold_at == "natural" else (bid + ask) / 2
            total += price if is_short else -price
        return total

    def marks(self, offer: Offer, leaving: Exit) -> Marks:
        """At every snapshot of the chain after entry and before settlement; modelled where it has none of any condor.

        A snapshot takes each leg's last quote of a few minutes, as legs are seldom stamped alike.
        """
        moments = list(self._quoted_marks(offer)) if self._later is not None else []
        if all(np.isnan(mark.cost).all() for mark in moments):
            return marks_on(self.surface, offer, leaving)
        return Marks(moments, quoted=True, cost_slippage=self.sold_at == "mid")

    def _quoted_marks(self, offer: Offer) -> Iterator[Mark]:
        history, spec, later = offer.history, offer.spec, self._later
        if later is None:
            return
        settles = history.sessions[offer.positions + spec.dte_sessions]
        minutes = np.where(later.minute == END_OF_DAY, settles_at_minute(later.quoted_on), later.minute)
        snapshots = [
            (int(at), EntryQuotes(_last_quotes(later, minutes, at), self.sold_at)) for at in np.unique(minutes)
        ]
        for ahead in range(spec.first_session_ahead, spec.dte_sessions + 1):
            days = history.sessions[offer.positions + ahead]
            for minute, quotes in snapshots:
                if ahead == 0 and minute <= OPENS_AT_MINUTE + ENTRY_WINDOW_MINUTES:
                    continue
                cost = quotes.cost(days, settles, offer.strikes)
                before = (days < settles) | (minute < settles_at_minute(settles))
                at = np.full((len(days), 1), minute)
                known = np.where(before[:, None], cost, np.nan)
                yield Mark(ahead, at, quotes.underlying(days)[:, None], known, np.zeros((len(days), 1), dtype=bool))

    def underlying(self, sessions: Days) -> Floats:
        """(n,) the price of the index that the quotes carry; NaN where they carry none."""
        at = np.minimum(np.searchsorted(self._days, sessions), len(self._days) - 1)
        return np.where(self.covers(sessions), self._underlying[at], np.nan)

    def cost(self, sessions: Days, expirations: Days, strikes: Strikes) -> Floats:
        """(n, k) what buying condors back costs, before slippage at mid prices.

        NaN where a strike is not quoted, and where it would cost less than nothing or more than the wings are wide,
        which no trader would pay.
        """
        total = self._total(sessions, expirations, strikes, selling=False)
        return np.where((total >= 0) & (total <= np.maximum(*strikes.wings)), total, np.nan)

    def _find(self, sessions: Days, expirations: Days, is_put: bool, strike: Floats) -> tuple[Floats, Floats]:
        wanted = _keys(sessions[:, None], expirations[:, None], np.array(is_put), strike)
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        found = self._keys[at] == wanted
        return np.where(found, self._bid[at], np.nan), np.where(found, self._ask[at], np.nan)


def _last_quotes(chains: Chains, minutes: Minutes, at: int) -> Chains:
    """Those of the few minutes up to a moment, the latest last."""
    chosen = np.flatnonzero((minutes > at - PAIRED_MINUTES) & (minutes <= at))
    return chains.take(chosen[np.argsort(minutes[chosen], kind="stable")])


def _keys(day: Days, expiration: Days, is_put: Flags, strike: Floats) -> npt.NDArray[np.int64]:
    """One integer per contract and day; -1 for what is not a contract, such as a NaN strike or a past expiration."""
    days = day.astype("datetime64[D]").astype(np.int64)
    ahead = expiration.astype("datetime64[D]").astype(np.int64) - days
    cents = np.nan_to_num(np.round(strike * 100), nan=-1.0).astype(np.int64)
    key = ((days * DAYS_TO_EXPIRY_LIMIT + ahead) * 2 + is_put) * STRIKE_LIMIT_CENTS + cents
    sound = (ahead >= 0) & (ahead < DAYS_TO_EXPIRY_LIMIT) & (cents > 0) & (cents < STRIKE_LIMIT_CENTS)
    return np.where(sound, key, -1)
