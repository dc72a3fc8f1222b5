"""Fetch missing bars from their sources, join them on exchange sessions, and add them to a history.

Only settled sessions are fetched. Nothing is interpolated, and everything left out is reported. SPX and VIX are needed;
the other instruments are added where their sources have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import numpy as np

from kronos.errors import MarketDataError
from kronos.market.clock import Clock
from kronos.market.history import FAMILIES, OPTIONAL_COLUMNS, Flags, Floats, MarketHistory, family_of
from kronos.market.plausible import implausible
from kronos.market.sessions import NEW_YORK, Days, as_date, exchange_sessions
from kronos.market.sources.entries import Sources
from kronos.market.sources.source import PRICES, DailyBars, SourceError
from kronos.progress import Progress

# VIX is calculated until 15 minutes after the close, and both indices may be corrected shortly after that.
SETTLED_AFTER_CLOSE = timedelta(minutes=30)
# Known sessions that are fetched again, so that restated values are noticed.
OVERLAP_SESSIONS = 20
RESTATED_POINTS = 0.005
CLOSE = PRICES.index("close")
OPTIONAL = frozenset(family.name for family in FAMILIES if not family.required)
ADJUSTED = frozenset(family.name for family in FAMILIES if family.adjusted)


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
    filled : sessions whose bar gained values of an instrument that it lacked
    restated : values that differ from the existing ones; only a refresh adopts them
    dropped : by index, days with a bar that are not exchange sessions
    lacking : by index, sessions without its bar; for an optional instrument, from its first known day on
    away : by index, why nothing was taken from the source of an optional instrument
    changed : whether the history differs from the existing one
    """

    history: MarketHistory
    added: Days
    filled: Days = field(default_factory=lambda: np.empty(0, dtype="datetime64[D]"))
    restated: tuple[Restatement, ...] = ()
    dropped: Mapping[str, Days] = field(default_factory=dict)
    lacking: Mapping[str, Days] = field(default_factory=dict)
    away: Mapping[str, str] = field(default_factory=dict)
    changed: bool = False

    @property
    def news(self) -> Days:
        """The sessions whose bars are new or gained values."""
        return np.union1d(self.added, self.filled)


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

    Where no session lacks its bar but bars lack an optional instrument, only the source of that instrument is asked.

    Parameters
    ----------
    clock : returns the current time as an aware datetime
    existing : the history to extend; its bars stay as they are
    start : fetch missing sessions from here on; default: the end of `existing`, or the first of its sessions that lacks
        an optional instrument; without `existing`, the first session of the calendar
    end : last session to fetch; default: the last one that has settled
    refresh : fetch the existing bars again too, and adopt the sources' values
    progress : called with the number of sources that have answered

    Raises
    ------
    SourceError
        If the source of SPX or VIX cannot be reached or read. For any other it is reported instead.
    MarketDataError
        If no session remains to be fetched, no source has a bar, or the bars cannot be those of SPX and VIX.
    """
    holes = {} if existing is None else {index: _holes(existing, index) for index in sources if index in OPTIONAL}
    sessions = sessions_to_fetch(existing, clock(), start, end, refresh=refresh, holes=holes)
    if existing is not None and not len(sessions):
        return FetchReport(existing, added=sessions)
    asked = sources
    if existing is not None and not refresh and existing.on(sessions).has_bar.all():
        asked = {index: sources[index] for index, days in holes.items() if np.isin(days, sessions).any()}
    bars: dict[str, DailyBars] = {}
    away: dict[str, str] = {}
    for done, (index, source) in enumerate(asked.items(), start=1):
        try:
            bars[index] = source.bars(as_date(sessions[0]), as_date(sessions[-1]))
        except SourceError as error:
            if index not in OPTIONAL:
                raise
            away[index] = str(error)
        progress(done, len(asked))
    report = _merged(existing, sessions, bars, refresh=refresh)
    if strange := _strange(report.history, existing):
        kept = {index: own for index, own in bars.items() if index not in strange}
        report = _merged(existing, sessions, kept, refresh=refresh)
    return replace(report, away=away | strange)


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
    existing: MarketHistory | None,
    now: datetime,
    start: date | None,
    end: date | None,
    *,
    refresh: bool,
    holes: Mapping[str, Days],
) -> Days:
    """The consecutive sessions to fetch; none if nothing is missing.

    They extend a little into the existing bars, so that no gap remains and restated values are noticed.

    Parameters
    ----------
    holes : by index, existing sessions that lack an optional instrument

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
        first = as_date(have[0])
    sessions = calendar.between(min(first, as_date(have[-1])), max(last, as_date(have[0])))
    if refresh:
        return sessions
    lacking = ~np.isin(sessions, have)
    if start is None:
        lacking &= sessions >= have[-OVERLAP_SESSIONS:][0]
    for days in holes.values():
        lacking |= np.isin(sessions, days)
    at = np.flatnonzero(lacking)
    return sessions[max(0, at[0] - OVERLAP_SESSIONS) :] if len(at) else sessions[:0]


def _merged(
    existing: MarketHistory | None, sessions: Days, bars: Mapping[str, DailyBars], *, refresh: bool
) -> FetchReport:
    prices = {index: own.on(sessions) for index, own in bars.items()}
    if "spx" in prices:
        prices["spx"] = _complete_spx(prices["spx"])
    before = MarketHistory.empty(sessions) if existing is None else existing.on(sessions)
    if not refresh:
        for index in ADJUSTED & prices.keys():
            prices[index] = _on_the_scale_of(before.bars[f"{index}_close"], prices[index])
    fetched = _joined(before, prices)
    history = fetched
    if existing is not None:
        history = existing.with_bars(fetched) if refresh else fetched.with_bars(existing)
    if not history.has_bar.any():
        raise MarketDataError(
            f"no session from {sessions[0]} to {sessions[-1]} has bars of both indices in the sources"
        )
    added = sessions[fetched.has_bar & ~before.has_bar]
    filled = sessions[before.has_bar & _gained(before, fetched)]
    return FetchReport(
        history=history,
        added=added,
        filled=filled,
        restated=_restated(before, fetched),
        dropped={index: bars[index].days_outside(sessions) for index in bars},
        lacking={index: _lacking(index, own, prices[index], history, sessions) for index, own in bars.items()},
        changed=refresh or len(added) > 0 or len(filled) > 0,
    )


def _gained(before: MarketHistory, fetched: MarketHistory) -> Flags:
    """(n,) whether a session has a value now that it lacked."""
    gained = [np.isnan(before.bars[name]) & ~np.isnan(column) for name, column in fetched.bars.items()]
    return np.asarray(np.any(gained, axis=0))


def _holes(history: MarketHistory, index: str) -> Days:
    """The sessions with a bar that lack an instrument's close, from its first one on; all of them if it has none."""
    missing = np.isnan(history.bars[f"{index}_close"])
    missing[: np.argmin(missing)] = False
    return history.sessions[missing & history.has_bar]


def _lacking(index: str, source: DailyBars, prices: Floats, history: MarketHistory, sessions: Days) -> Days:
    """The sessions on which an instrument's bar is missed, now that all that was fetched is in the history."""
    now = history.on(sessions)
    if index not in OPTIONAL:
        return sessions[np.isnan(prices[:, CLOSE]) & ~now.has_bar]
    name = f"{index}_close"
    known = np.append(source.days, history.sessions[~np.isnan(history.bars[name])])
    since = known.min() if len(known) else np.datetime64("NaT")
    return sessions[np.isnan(now.bars[name]) & now.has_bar & (sessions >= since)]


def _on_the_scale_of(existing: Floats, prices: Floats) -> Floats:
    """(n, 4) adjusted prices on the scale of (n,) existing closes, as far as they overlap.

    Each dividend rescales all that came before it, so bars fetched on different days differ by a factor. Only ratios
    of such prices mean anything, and they would be wrong where the two scales meet.
    """
    both = np.flatnonzero(~np.isnan(existing) & ~np.isnan(prices[:, CLOSE]))
    return prices * (existing[both[-1]] / prices[both[-1], CLOSE]) if len(both) else prices


def _joined(before: MarketHistory, prices: Mapping[str, Floats]) -> MarketHistory:
    """One history of what was fetched.

    A session has a bar if every required instrument has a close. The others are also added to a bar from before.
    """
    joined = MarketHistory.empty(before.sessions)
    required = [family.name for family in FAMILIES if family.required]
    complete = np.full(len(before), set(required) <= prices.keys())
    for index in prices.keys() & required:
        complete &= ~np.isnan(prices[index][:, CLOSE])
    for index, own in prices.items():
        taken = complete | before.has_bar if index in OPTIONAL else complete
        for at, price in enumerate(PRICES):
            column, values = f"{index}_{price}", own[taken, at]
            # A slip in an optional price is left out. One in a close is told, since it is what the others depend on.
            slips_are_left_out = column in OPTIONAL_COLUMNS and at != CLOSE
            joined.columns[column][taken] = family_of(column).in_range(values) if slips_are_left_out else values
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
        if not family_of(name).adjusted
        for at in np.flatnonzero(np.abs(column - before.columns[name]) > RESTATED_POINTS)
    )


def _strange(history: MarketHistory, existing: MarketHistory | None) -> dict[str, str]:
    """By index, why the bars of an optional instrument cannot be its own. Such bars of SPX and VIX are refused."""
    strange: dict[str, str] = {}
    for fault in implausible(history, existing):
        index = family_of(fault.column).name
        if index not in OPTIONAL:
            raise MarketDataError(fault.reason)
        remedy = f"name another copy with --{index}-url, or replace the bars that are there with --refresh"
        strange.setdefault(index, f"{fault.reason}; {remedy}")
    return strange
