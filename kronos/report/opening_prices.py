"""How far each year's SPX opens can be trusted: an open that lags shifts part of the overnight move into the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kronos.market.history import STALE_OPEN_TOLERANCE, MarketHistory, years_of
from kronos.market.sessions import SESSIONS_PER_YEAR, Days

MIN_SESSIONS = 20


@dataclass(frozen=True, slots=True)
class OpeningYear:
    """One year's opens.

    Attributes
    ----------
    stale_share : share of opens within 0.01 % of the previous close
    gap_deviation : standard deviation of the overnight move, in units of the daily one that VIX implied at the
        previous close
    carried_over : correlation of the overnight move with the move from open to close; near 0 if opens are true prices
    """

    year: int
    sessions: int
    stale_share: float
    gap_deviation: float
    carried_over: float


def opening_years(history: MarketHistory, sessions: Days) -> Iterator[OpeningYear]:
    """The opens of each year of the given sessions; years with too few sessions are left out."""
    before = np.concatenate([[np.nan], history.spx_close[:-1]])
    vix_before = np.concatenate([[np.nan], history.vix_close[:-1]])
    daily = vix_before / 100 / np.sqrt(SESSIONS_PER_YEAR)
    night, day = np.log(history.spx_open / before) / daily, np.log(history.spx_close / history.spx_open) / daily
    stale = np.abs(history.spx_open - before) <= STALE_OPEN_TOLERANCE * before
    known = np.isin(history.sessions, sessions) & ~np.isnan(night) & ~np.isnan(day)
    years = years_of(history.sessions)
    for year in np.unique(years[known]):
        chosen = known & (years == year)
        if chosen.sum() < MIN_SESSIONS or not night[chosen].std() or not day[chosen].std():
            continue
        yield OpeningYear(
            year=int(year),
            sessions=int(chosen.sum()),
            stale_share=float(stale[chosen].mean()),
            gap_deviation=float(night[chosen].std()),
            carried_over=float(np.corrcoef(night[chosen], day[chosen])[0, 1]),
        )
