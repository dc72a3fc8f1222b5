"""How far each year's opens can be trusted: an open that lags shifts part of the overnight move into the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kronos.condor.entry import entry_price
from kronos.condor.spec import CondorSpec
from kronos.market.history import Floats, MarketHistory, years_of
from kronos.market.sessions import SESSIONS_PER_YEAR, Days

MIN_SESSIONS = 20


@dataclass(frozen=True, slots=True)
class OpeningYear:
    """One year's opens.

    Attributes
    ----------
    printed_deviation : standard deviation of the overnight move to SPX's printed open, in units of the daily one that
        VIX implied at the previous close
    gap_deviation : the same to the price at entry that labels take
    carried_over : correlation of the overnight move with the move from open to close; near 0 if opens are true prices
    """

    year: int
    sessions: int
    printed_deviation: float
    gap_deviation: float
    carried_over: float


def opening_years(history: MarketHistory, spec: CondorSpec, sessions: Days) -> Iterator[OpeningYear]:
    """The opens of each year of the given sessions; years with too few sessions are left out."""
    before = np.concatenate([[np.nan], history.spx_close[:-1]])
    vix_before = np.concatenate([[np.nan], history.vix_close[:-1]])
    daily = vix_before / 100 / np.sqrt(SESSIONS_PER_YEAR)
    opened = entry_price(history, spec)
    night, day = np.log(opened / before) / daily, np.log(history.spx_close / opened) / daily
    printed: Floats = np.log(history.spx_open / before) / daily
    known = np.isin(history.sessions, sessions) & ~np.isnan(night) & ~np.isnan(day)
    years = years_of(history.sessions)
    for year in np.unique(years[known]):
        chosen = known & (years == year)
        if chosen.sum() < MIN_SESSIONS or not night[chosen].std() or not day[chosen].std():
            continue
        yield OpeningYear(
            year=int(year),
            sessions=int(chosen.sum()),
            printed_deviation=float(np.nanstd(printed[chosen])),
            gap_deviation=float(night[chosen].std()),
            carried_over=float(np.corrcoef(night[chosen], day[chosen])[0, 1]),
        )
