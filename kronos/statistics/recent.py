"""The recent base rate: how often condors have won of late. Levels drift, so it is the harder reference."""

from __future__ import annotations

from typing import Final

import numpy as np

from kronos.condor.entry import PriceSource, price_sources
from kronos.condor.labels import wins
from kronos.condor.spec import CondorSpec
from kronos.market.history import Flags, Floats, MarketHistory, Positions
from kronos.market.sessions import SESSIONS_PER_YEAR, Days, exchange_sessions

RECENT_SESSIONS: Final = SESSIONS_PER_YEAR
FEWEST_RECENT: Final = 60
"""With fewer known sessions in the year before, stored bars tell no recent rate."""
LEFT_OUT: Final = [source for source in PriceSource if source.is_left_out]
AT_ONCE: Final = 64
"""Observations whose labels are in memory together."""


def recent_rates(sessions: Days, labels: Floats, moments: Days, gap_sessions: int) -> Floats:
    """Win rates of the last 252 sessions that had settled before each moment.

    The estimator is (wins + 0.5) / (n + 1), so that none is 0 or 1.

    Parameters
    ----------
    sessions : (n,) ascending
    labels : (n, k) 1.0 for a win, 0.0 for a loss, NaN where it is not known
    moments : (m,) sessions
    gap_sessions : exchange sessions left out before each moment, in which trades had not settled yet

    Returns
    -------
    (m, k) from 0 to 1
    """
    won, count = _recent_sums(sessions, labels, moments, gap_sessions)
    return np.asarray((won + 0.5) / (count + 1))


def recent_means(sessions: Days, values: Floats, moments: Days, gap_sessions: int) -> Floats:
    """(m, k) means of the last 252 sessions that had settled before each moment; NaN where nothing is known.

    The parameters are as for `recent_rates`, with any values in place of the labels.
    """
    total, count = _recent_sums(sessions, values, moments, gap_sessions)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def market_recent_rates(
    history: MarketHistory | None,
    spec: CondorSpec,
    moments: Days,
    put: Floats,
    call: Floats,
    gap_sessions: int | None = None,
) -> Floats:
    """What stored bars tell of the recent win rate at each observation's own strikes.

    Labels are at exact multiples of each session's expected move, as the model's are.

    Parameters
    ----------
    moments : (m,) the session of each observation
    put, call : (m,) distances of its short strikes in expected moves
    gap_sessions : exchange sessions left out before each moment; default: those in which trades had not settled yet

    Returns
    -------
    (m,) from 0 to 1; NaN where fewer than 60 of the 252 exchange sessions before are known
    """
    rates = np.full(len(moments), np.nan)
    if history is None or not len(moments):
        return rates
    usable = np.flatnonzero(_can_be_labelled(history, spec))
    sessions, gap = history.sessions[usable], spec.dte_sessions if gap_sessions is None else gap_sessions
    known = _settled_by(sessions, moments, gap) - _settled_by(sessions, moments, gap + RECENT_SESSIONS)
    enough = np.flatnonzero(known >= FEWEST_RECENT)
    if not len(enough):
        return rates
    oldest = max(int(_settled_by(sessions, moments[enough], gap).min()) - RECENT_SESSIONS, 0)
    before = max(int(usable[oldest]) - 1, 0)  # the VIX at entry may be the close before
    history, sessions, usable = history.slice(before, len(history)), sessions[oldest:], usable[oldest:] - before
    for first in range(0, len(enough), AT_ONCE):
        chosen = enough[first : first + AT_ONCE]
        labels = wins(history, spec, put[chosen], call[chosen])[usable]
        rates[chosen] = np.diagonal(recent_rates(sessions, labels, moments[chosen], gap))
    return rates


def _recent_sums(sessions: Days, values: Floats, moments: Days, gap_sessions: int) -> tuple[Floats, Floats]:
    """(m, k) sum of the known values of the last 252 settled sessions before each moment, and their number."""
    stop = _settled_by(sessions, moments, gap_sessions)
    start = np.maximum(stop - RECENT_SESSIONS, 0)
    known = ~np.isnan(values)
    nothing = np.zeros((1, values.shape[1]))
    total = np.concatenate([nothing, np.cumsum(np.where(known, values, 0.0), axis=0)])
    count = np.concatenate([nothing, np.cumsum(known, axis=0, dtype=np.float64)])
    return total[stop] - total[start], count[stop] - count[start]


def _can_be_labelled(history: MarketHistory, spec: CondorSpec) -> Flags:
    """(n,) whether a session has a price that a bot could have traded at, and has settled."""
    settled = ~np.isnan(wins(history, spec, [1.0])[:, 0])
    return np.asarray(settled & ~np.isin(price_sources(history, spec), LEFT_OUT))


def _settled_by(sessions: Days, moments: Days, gap_sessions: int) -> Positions:
    """(m,) how many of (n,) ascending sessions lie more than `gap_sessions` exchange sessions before each moment."""
    number = exchange_sessions().number
    return np.searchsorted(number(sessions), number(moments) - gap_sessions)
