"""What is known at entry: the view of a history that every feature is computed from."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from kronos.condor.entry import entry_vix, known_price
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import expected_move
from kronos.market.history import Flags, Floats, MarketHistory, Positions
from kronos.market.sessions import SESSIONS_PER_YEAR, Days, exchange_sessions

WINDOW_CALENDAR_DAYS = 30
WINDOW_MAX_SESSIONS = 23
KNOWN_SHARE = 0.9


class Entries:
    """n entries into a history. Every value is known at the moment of entry.

    Parameters
    ----------
    history : for entries at the close, its closes on the entry sessions equal `price` and `vix`
    positions : (n,) of the entry sessions in the history
    price, vix : (n,) SPX and VIX at entry

    Attributes
    ----------
    last : (n,) position of the last session whose close is known
    days : (n,) the entry sessions
    """

    def __init__(
        self, history: MarketHistory, spec: CondorSpec, positions: Positions, price: Floats, vix: Floats
    ) -> None:
        self.history = history
        self.spec = spec
        self.positions = positions
        self.price = price
        self.vix = vix
        self.last = positions if spec.entry == "close" else positions - 1
        self.days: Days = history.sessions[positions]

    @classmethod
    def of_history(cls, history: MarketHistory, spec: CondorSpec, positions: Positions) -> Entries:
        """Entries at the prices in the history, for training."""
        return cls(history, spec, positions, known_price(history, spec)[positions], entry_vix(history, spec)[positions])

    @cached_property
    def expected_move(self) -> Floats:
        """(n,) in index points."""
        return expected_move(self.price, self.vix, self.spec.horizon_sessions)

    @cached_property
    def implied_daily(self) -> Floats:
        """(n,) one session's standard deviation as implied by VIX at entry, as a fraction of the price."""
        return self.vix / 100 / math.sqrt(SESSIONS_PER_YEAR)

    @cached_property
    def log_ranges(self) -> Floats:
        """(sessions of the history,) the log of each session's high over its low."""
        return np.asarray(np.log(self.history.spx_high / self.history.spx_low))

    @cached_property
    def implied_before(self) -> Floats:
        """(sessions of the history,) the standard deviation that VIX implied at the close before each session."""
        return np.concatenate([[np.nan], self.history.vix_close[:-1]]) / 100 / math.sqrt(SESSIONS_PER_YEAR)

    def before_entry(self, column: Floats, back: int = 0) -> Floats:
        """(n,) a column's value `back` sessions before the last known session; NaN before the history begins."""
        at = self.last - back
        return np.where(at >= 0, column[np.maximum(at, 0)], np.nan)

    def last_known(self, column: Floats, sessions: int) -> Floats:
        """(n, sessions) a column's last known values, newest first."""
        at = self.last[:, None] - np.arange(sessions)
        return np.where(at >= 0, column[np.maximum(at, 0)], np.nan)

    def mean_of_known(self, column: Floats, sessions: int, weights: Floats | None = None) -> Floats:
        """(n,) mean of a column's last values, over those that are known.

        NaN if the newest is not known, as where a bot asks before the session's bar is stored, or more than a tenth.

        Parameters
        ----------
        weights : (sessions,) newest first; default: equal
        """
        values = self.last_known(column, sessions)
        known = ~np.isnan(values)
        weight = known * (np.ones(sessions) if weights is None else weights)
        total = weight.sum(axis=1)
        enough = known[:, 0] & (known.sum(axis=1) >= KNOWN_SHARE * sessions)
        mean = (weight * np.nan_to_num(values)).sum(axis=1) / np.where(total > 0, total, np.nan)
        return np.where(enough, mean, np.nan)

    def change_pct(self, column: Floats) -> Floats:
        """(n,) change from the second last known value to the last, in %."""
        return 100 * (self.before_entry(column) / self.before_entry(column, 1) - 1)

    @cached_property
    def month(self) -> tuple[Positions, Flags]:
        """(n, 23) positions of the sessions before entry, newest first, and which lie within 30 calendar days of it."""
        window = self.positions[:, None] - np.arange(1, WINDOW_MAX_SESSIONS + 1)
        oldest = self.days[:, None] - np.timedelta64(WINDOW_CALENDAR_DAYS, "D")
        inside = (window >= 0) & (self.history.sessions[np.maximum(window, 0)] >= oldest)
        return np.maximum(window, 0), inside

    @cached_property
    def month_is_complete(self) -> Flags:
        """(n,) whether every session of the 30 calendar days has a bar."""
        calendar = exchange_sessions().days
        oldest = self.days - np.timedelta64(WINDOW_CALENDAR_DAYS, "D")
        reaches_back: Flags = self.history.sessions[0] <= calendar[np.searchsorted(calendar, oldest)]
        window, inside = self.month
        return reaches_back & (self.history.has_bar[window] | ~inside).all(axis=1)
