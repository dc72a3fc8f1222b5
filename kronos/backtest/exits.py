"""Exits before settlement: a profit target, a stop, a time of day. They are checked at marks, modelled or quoted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from kronos.backtest.endings import Endings, Reason
from kronos.condor.entry import entry_price, entry_vix
from kronos.condor.pricing import Surface, condor_value, life_in_sessions
from kronos.condor.settlement import CLOSES_AT_MINUTE, OPENS_AT_MINUTE, session_ranges, settles_at_minute
from kronos.condor.spec import CondorSpec, Entry
from kronos.condor.strikes import Strikes
from kronos.market.history import Flags, Floats, MarketHistory, Positions

MARK_MINUTES: Final = 30
FULL_SESSION_MINUTES: Final = CLOSES_AT_MINUTE - OPENS_AT_MINUTE


@dataclass(frozen=True, slots=True)
class Exit:
    """When a condor is bought back before settlement; the first of these that happens, a stop before a target.

    Attributes
    ----------
    profit_target : share of the credit, above 0 and up to 1: once buying back leaves that much of it
    stop : multiple of the credit, above 1: once buying back costs that much
    minute : on the day of settlement, in minutes after midnight in New York

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    profit_target: float | None = None
    stop: float | None = None
    minute: int | None = None

    def __post_init__(self) -> None:
        if self.profit_target is not None and not 0 < self.profit_target <= 1:
            raise ValueError("a profit target must be above 0 and at most 1: it is a share of the credit")
        if self.stop is not None and not 1 < self.stop < math.inf:
            raise ValueError("a stop must be above 1: it is a multiple of the credit")
        if self.minute is not None and not OPENS_AT_MINUTE < self.minute < CLOSES_AT_MINUTE:
            raise ValueError("the time of an exit must lie between 09:30 and 16:00")

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return any(value is not None for value in (self.profit_target, self.stop, self.minute))


SMALLEST_CREDIT: Final = 0.01
"""For a stop: a multiple of nothing would be reached at once."""
HELD: Final = Exit()
"""Never before settlement, but as the spec manages it."""


@dataclass(frozen=True, eq=False)
class Mark:
    """What buying the condors back costs at one moment.

    Attributes
    ----------
    ahead : sessions after entry
    minute : (n, 1) minutes after midnight in New York
    price : (n, 1) SPX; NaN where it is not known
    cost : (n, k) in index points, before slippage that comes on top; NaN where it is not known
    missed : (n, 1) whether something may have happened that nobody can tell: a bar is missing
    """

    ahead: int
    minute: Positions
    price: Floats
    cost: Floats
    missed: Flags


@dataclass(frozen=True, eq=False)
class Marks:
    """Moments in the order of time, before settlement.

    Attributes
    ----------
    quoted : whether they are quotes, or modelled
    cost_slippage : whether slippage comes on top of their costs; natural prices include it
    """

    moments: Iterable[Mark]
    quoted: bool
    cost_slippage: bool


@dataclass(frozen=True, eq=False)
class Sold:
    """What condors were sold for, (n, k) in index points: the credit received, and before slippage."""

    credit: Floats
    before_slippage: Floats


def leave_early(
    held: Endings, marks: Marks, leaving: Exit, sold: Sold, slippage_points: float, strikes: Strikes, spec: CondorSpec
) -> Endings:
    """Endings of condors that leave at the first mark that says so; the others stay as they were.

    A target is an order: it is reached where what is paid, slippage included, leaves that share of the credit. A stop
    watches the market: it is reached where the mark is that multiple of what the condor was sold for, both before
    slippage.

    Parameters
    ----------
    held : how they would end at settlement
    slippage_points : on top of a mark, where it does not include it
    """
    on_top = slippage_points if marks.cost_slippage else 0.0
    most_to_pay = -math.inf if leaving.profit_target is None else (1 - leaving.profit_target) * sold.credit - on_top
    stop_at = math.inf if leaving.stop is None else leaving.stop * np.maximum(sold.before_slippage, SMALLEST_CREDIT)
    reason, ended, minute = held.reason.copy(), held.sessions_held.copy(), held.minute.copy()
    cost, put, call = held.cost_points.copy(), held.put_breached.copy(), held.call_breached.copy()
    missed = np.zeros(cost.shape, dtype=bool)
    for mark in marks.moments:
        missed |= mark.missed & (reason == Reason.SETTLED)
        staying = (reason == Reason.SETTLED) & ~np.isnan(mark.cost)
        stopped = staying & (mark.cost >= stop_at)
        reached = staying & ~stopped & (mark.cost <= most_to_pay)
        due = np.zeros_like(staying)
        if leaving.minute is not None and mark.ahead == spec.dte_sessions:
            due = staying & ~stopped & ~reached & (mark.minute >= leaving.minute)
        left = stopped | reached | due
        reason[stopped], reason[reached], reason[due] = Reason.STOP, Reason.TARGET, Reason.TIME
        cost, ended = np.where(left, mark.cost, cost), np.where(left, mark.ahead, ended)
        minute = np.where(left, mark.minute, minute)
        seen = left & ~np.isnan(mark.price)
        put = np.where(seen, mark.price < strikes.put_short, put)
        call = np.where(seen, mark.price > strikes.call_short, call)
    unknown = missed | (np.isnan(held.cost_points) & (reason == Reason.SETTLED))
    return replace(
        held,
        sessions_held=ended,
        cost_points=np.where(unknown, np.nan, cost),
        bought_back=reason != Reason.SETTLED,
        put_breached=put,
        call_breached=call,
        reason=reason,
        minute=minute,
        costs_slippage=marks.cost_slippage,
    )


def modelled_marks(
    history: MarketHistory, positions: Positions, strikes: Strikes, spec: CondorSpec, surface: Surface, leaving: Exit
) -> Iterator[Mark]:
    """Marks every half hour, and at the exit's own time, along a path that a daily bar allows.

    SPX goes from its open to the extreme that lies on the way back from its close, then to the other, then to its
    close, in straight lines of a third of the session each. VIX goes straight from its open to its close; a
    short-dated index stands as far from it as it did at entry.
    """
    turns = _turning_points(history, spec)
    opened, closed = np.where(np.isnan(history.vix_open), history.vix_close, history.vix_open), history.vix_close
    over_vix = (surface.index(history, spec) / entry_vix(history, spec))[positions, None]
    closes = settles_at_minute(history.sessions)
    for ahead in range(spec.first_session_ahead, spec.dte_sessions + 1):
        day = positions + ahead
        length = (closes[day] - OPENS_AT_MINUTE)[:, None]
        life = life_in_sessions(history.sessions, spec, ahead)[positions, None]
        for minute in _minutes(leaving, first_day=ahead == 0, last_day=ahead == spec.dte_sessions):
            share = (minute - OPENS_AT_MINUTE) / length
            within = np.where(ahead == spec.dte_sessions, share < 1, share <= 1)
            price = _along(turns[day], share)
            index = (opened[day, None] + share * (closed - opened)[day, None]) * over_vix
            left = np.maximum(life - share * length / FULL_SESSION_MINUTES, 1e-6)
            kind: Entry = "close" if minute == CLOSES_AT_MINUTE else "open"
            value = condor_value(price, index, strikes, kind, left, surface)
            at, missed = np.full_like(day, minute)[:, None], within & np.isnan(price)
            yield Mark(ahead, at, price, np.where(within, value, np.nan), missed)


def _minutes(leaving: Exit, *, first_day: bool, last_day: bool) -> list[int]:
    """Moments to look at; not the entry itself, and not the settlement."""
    regular = range(OPENS_AT_MINUTE + (MARK_MINUTES if first_day else 0), CLOSES_AT_MINUTE + 1, MARK_MINUTES)
    own = {leaving.minute} if leaving.minute is not None and last_day else set()
    return sorted({*regular, *own})


def _turning_points(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(sessions, 4) SPX at the turns of each session; NaN where a bar is missing."""
    opened, closed = entry_price(history, replace(spec, entry="open", dte_sessions=0)), history.spx_close
    lows, highs = session_ranges(history, spec)
    low, high = np.fmin(np.fmin(lows, opened), closed), np.fmax(np.fmax(highs, opened), closed)
    rising = closed >= opened
    return np.column_stack([opened, np.where(rising, low, high), np.where(rising, high, low), closed])


def _along(turns: Floats, share: Floats) -> Floats:
    """(n, 1) the price after this share of the session, along (n, 4) turning points."""
    at = np.clip(share[:, 0], 0, 1)
    piece = np.minimum((at * 3).astype(np.intp), 2)
    rows = np.arange(len(turns))
    within = at * 3 - piece
    return np.asarray((turns[rows, piece] + within * (turns[rows, piece + 1] - turns[rows, piece]))[:, None])
