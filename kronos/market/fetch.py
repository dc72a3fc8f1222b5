"""Fetch missing SPX and VIX bars from their sources, join them on exchange sessions, and add them to a history.

Only settled sessions are fetched. Nothing is interpolated, and everything left out is reported.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from kronos.errors import MarketDataError
from kronos.market.clock import Clock
from kronos.market.csv_file import read_market_csv, write_market_csv
from kronos.market.history import COLUMNS, FAMILIES, VIX, Floats, MarketHistory
from kronos.market.sessions import NEW_YORK, Days, as_date, exchange_sessions
from kronos.market.sources.entries import Sources
from kronos.market.sources.source import PRICES, DailyBars
from kronos.progress import Progress

# VIX is calculated until 15 minutes after the close, and both indices may be corrected shortly after that.
SETTLED_AFTER_CLOSE = timedelta(minutes=30)
# Known sessions that are fetched again, so that restated values are noticed.
OVERLAP_SESSIONS = 20
RESTATED_POINTS = 0.005
CLOSE = PRICES.index("close")
# The exchange stops trading for the day at -20 %.
LARGEST_SPX_MOVE = 0.25


@dataclass(frozen=True, slots=True)
class Restatement:
    """A value, in points, that a source now states differently from the existing history."""

    session: date
    column: str
    before: float
    now: float


@dataclass(frozen=True, eq=False)
class FetchReport:
    """The result of a fetch.

    Attributes
    ----------
    history : the existing bars and the new ones together
    added : sessions that had no bar before
    restated : values that differ from the existing ones; only a refresh adopts them
    dropped : by index, days with a bar that are not exchange sessions
    lacking : by index, sessions that still have no complete bar
    changed : whether the history differs from the existing one
    """

    history: MarketHistory
    added: Days
    restated: tuple[Restatement, ...] = ()
    dropped: Mapping[str, Days] = field(default_factory=dict)
    lacking: Mapping[str, Days] = field(default_factory=dict)
    changed: bool = False


def fetch_history(
    sources: Sources,
    clock: Clock,
    existing: MarketHistory | None = None,
    *,
    start: date | None = None,
    end: date | None = None,
    refresh: bool = False,
    progress: Progress = lambda _done, _of: None,
) -> FetchReport:
    """Fetch the sessions that a history lacks, and add them to it.

    Parameters
    ----------
    clock : returns the current time as an aware datetime
    existing : the history to extend; its bars stay as they are
    start : fetch missing sessions from here on; default: the end of `existing`, or the first session of the calendar
    end : last session to fetch; default: the last one that has settled
    refresh : fetch the existing bars again too, and adopt the sources' values
    progress : called with the number of sources that have answered

    Raises
    ------
    SourceError
        If a source cannot be reached or read.
    MarketDataError
        If no session remains to be fetched, no source has a bar, or the bars cannot be those of SPX and VIX.
    """
    sessions = sessions_to_fetch(existing, clock(), start, end, refresh=refresh)
    if existing is not None and not len(sessions):
        return FetchReport(existing, added=sessions)
    bars: dict[str, DailyBars] = {}
    for index, source in sources.items():
        bars[index] = source.bars(as_date(sessions[0]), as_date(sessions[-1]))
        progress(len(bars), len(sources))
    report = _merged(existing, sessions, bars, refresh=refresh)
    _require_plausible(report.history)
    return report


def last_settled_session(now: datetime) -> date:
    """The last session whose prices are final.

    Raises
    ------
    MarketDataError
        If the session list does not cover today.
    """
    calendar = exchange_sessions()
    today = now.astimezone(NEW_YORK).date()
    if not calendar.first < today <= calendar.last:
        raise MarketDataError(f"the session list covers {calendar.first} to {calendar.last}, not {today}")
    before, latest = map(as_date, calendar.ending_at(today, 2))
    return latest if now >= calendar.closes_at(latest) + SETTLED_AFTER_CLOSE else before


def sessions_to_fetch(
    existing: MarketHistory | None, now: datetime, start: date | None, end: date | None, *, refresh: bool
) -> Days:
    """The consecutive sessions to fetch; none if nothing is missing.

    They extend a little into the existing bars, so that no gap remains and restated values are noticed.

    Raises
    ------
    MarketDataError
        If no session from `start` to `end` has settled.
    """
    calendar = exchange_sessions()
    settled = last_settled_session(now)
    first, last = start or calendar.first, min(end or settled, settled)
    if not len(calendar.between(first, last)):
        raise MarketDataError(f"no session between {first} and {last} has settled")
    if existing is None:
        return calendar.between(first, last)
    have = existing.sessions[existing.has_bar]
    if start is None:
        first = as_date(have[0] if refresh else have[-OVERLAP_SESSIONS:][0])
    sessions = calendar.between(min(first, as_date(have[-1])), max(last, as_date(have[0])))
    lacking = np.flatnonzero(~np.isin(sessions, have))
    if refresh:
        return sessions
    return sessions[max(0, lacking[0] - OVERLAP_SESSIONS) :] if len(lacking) else sessions[:0]


def existing_history(path: Path) -> MarketHistory | None:
    """The history in the file to be extended, or None if there is no file.

    Raises
    ------
    MarketDataError
        If the file cannot be read, or has a column that would be lost when it is written again.
    """
    if not path.exists():
        return None
    history = read_market_csv(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        foreign = set(next(csv.reader(file))) - {"date", *COLUMNS}
    if foreign:
        raise MarketDataError(f"{path}: the column {min(foreign)!r} would be lost; name another file with --out")
    return history


def replace_market_csv(history: MarketHistory, path: Path) -> None:
    """Replace a file atomically: whatever happens, either the old file or the new one is there in full.

    Raises
    ------
    MarketDataError
        If the file cannot be written.
    """
    target = path.resolve()
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        write_market_csv(history, scratch)
        _sync(scratch)
        scratch.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise MarketDataError(f"{path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            scratch.unlink()


def _merged(
    existing: MarketHistory | None, sessions: Days, bars: Mapping[str, DailyBars], *, refresh: bool
) -> FetchReport:
    prices = {index: own.on(sessions) for index, own in bars.items()}
    prices["spx"] = _complete_spx(prices["spx"])
    fetched = _joined(sessions, prices)
    before = MarketHistory.empty(sessions) if existing is None else existing.on(sessions)
    history = fetched
    if existing is not None:
        history = existing.with_bars(fetched) if refresh else fetched.with_bars(existing)
    if not history.has_bar.any():
        raise MarketDataError(
            f"no session from {sessions[0]} to {sessions[-1]} has bars of both indices in the sources"
        )
    added = sessions[fetched.has_bar & ~before.has_bar]
    bare = ~fetched.has_bar & ~before.has_bar
    return FetchReport(
        history=history,
        added=added,
        restated=_restated(before, fetched),
        dropped={index: bars[index].days_outside(sessions) for index in bars},
        lacking={index: sessions[bare & np.isnan(prices[index][:, CLOSE])] for index in bars},
        changed=refresh or len(added) > 0,
    )


def _joined(sessions: Days, prices: Mapping[str, Floats]) -> MarketHistory:
    """One history; a session without the close of every required instrument has no bar."""
    needed = [prices[family.name][:, CLOSE] for family in FAMILIES if family.required]
    complete = ~np.isnan(np.sum(needed, axis=0))
    joined = MarketHistory.empty(sessions)
    for index, own in prices.items():
        for at, name in enumerate(PRICES):
            joined.columns[f"{index}_{name}"][complete] = own[complete, at]
    return joined


def _complete_spx(prices: Floats) -> Floats:
    """(n, 4) prices; the whole row is NaN where a price is missing or the low exceeds the high."""
    _, high, low, _ = prices.T
    usable = ~np.isnan(prices).any(axis=1) & (low <= high)
    return np.where(usable[:, None], prices, np.nan)


def _restated(before: MarketHistory, now: MarketHistory) -> tuple[Restatement, ...]:
    return tuple(
        Restatement(as_date(now.sessions[at]), name, float(before.columns[name][at]), float(column[at]))
        for name, column in now.columns.items()
        for at in np.flatnonzero(np.abs(column - before.columns[name]) > RESTATED_POINTS)
    )


def _require_plausible(history: MarketHistory) -> None:
    """Refuse the bars of another instrument, and swapped columns."""
    days, vix, spx = history.sessions, history.vix_close, history.spx_close
    low, high = VIX.lowest, VIX.highest
    strange = np.flatnonzero((vix < low) | (vix > high))
    if len(strange):
        raise MarketDataError(f"a VIX close of {vix[strange[0]]:g} on {days[strange[0]]}, outside {low:g} to {high:g}")
    jumps = np.flatnonzero(np.abs(spx[1:] / spx[:-1] - 1) > LARGEST_SPX_MOVE)
    if len(jumps):
        at = jumps[0]
        raise MarketDataError(
            f"SPX closes at {spx[at]:g} on {days[at]} and at {spx[at + 1]:g} on {days[at + 1]}, "
            "which is further than it can move in a day: are all of these SPX bars?"
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
