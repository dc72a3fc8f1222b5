"""The features: one definition, used to build training rows and to answer ARES.

Every feature is a function of what is knowable at entry on session D. `[-1]` is the last session whose close is
known at entry: the session before D for an entry at the open, D itself for an entry at the close.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from kronos.condor import DEFAULT_SD_MULTIPLIER, CondorSpec, entry_price, entry_vix, expected_move, wins
from kronos.market import Floats, MarketHistory, Positions
from kronos.sessions import SESSIONS_PER_YEAR, Days, exchange_sessions

Variant = Literal["full", "market", "minimal"]
VARIANTS: Final[tuple[Variant, ...]] = get_args(Variant)
"""Richest first: the first whose features are all present answers."""

MINIMAL_FEATURES: Final = ("vix", "day_of_week", "expected_move_pct")
MARKET_FEATURES: Final = (
    *MINIMAL_FEATURES,
    "vix_percentile_30d",
    "vix_change_1d",
    "price_change_1d",
    "win_rate_30d",
)
FULL_FEATURES: Final = (
    *MARKET_FEATURES,
    "realised_5_over_implied",
    "realised_22_over_implied",
    "range_5_over_implied",
    "range_22_over_implied",
    "return_5",
    "drawdown_66",
    "holidays_ahead",
)
FEATURES: Final = FULL_FEATURES
VARIANT_FEATURES: Final[dict[Variant, tuple[str, ...]]] = {
    "full": FULL_FEATURES,
    "market": MARKET_FEATURES,
    "minimal": MINIMAL_FEATURES,
}

WINDOW_CALENDAR_DAYS: Final = 30
WINDOW_MAX_SESSIONS: Final = 23
WIN_RATE_PRIOR: Final = 0.8
WIN_RATE_PRIOR_SESSIONS: Final = 10
LOOKBACK_SESSIONS: Final = 70
"""Enough sessions before entry for every feature, whatever the horizon."""


@dataclass(frozen=True, slots=True)
class MarketAtEntry:
    """What is seen at the moment of entry, one element a session.

    Attributes
    ----------
    positions : (n,) where the entry sessions stand in the history
    price : (n,) SPX, index points
    vix : (n,) VIX, points
    """

    positions: Positions
    price: Floats
    vix: Floats


def schema_hash() -> str:
    """SHA-256 of what the features mean; a model trained on other features must not be served."""
    schema = {
        "variants": VARIANT_FEATURES,
        "window_calendar_days": WINDOW_CALENDAR_DAYS,
        "win_rate_prior": [WIN_RATE_PRIOR, WIN_RATE_PRIOR_SESSIONS],
        "revision": 1,
    }
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()


def feature_matrix(history: MarketHistory, entry: MarketAtEntry, spec: CondorSpec) -> Floats:
    """The features of each entry.

    Parameters
    ----------
    history : for an entry at the close, its closes on the entry sessions are `entry.price` and `entry.vix`
    entry : (n,) entries

    Returns
    -------
    (n, len(FEATURES)) in the order of `FEATURES`, NaN where a bar that a feature needs is missing or senseless

    Notes
    -----
    No bar after entry is read. Each row depends on the `LOOKBACK_SESSIONS + dte_sessions` sessions before
    entry only, so that a slice of the history gives the same row.
    """
    known = _Known(history, entry, spec)
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = np.column_stack([getattr(known, name)() for name in FEATURES])
    return np.where(np.isfinite(matrix), matrix, np.nan)


def market_at_entry(history: MarketHistory, spec: CondorSpec, positions: Positions) -> MarketAtEntry:
    """The history's own prices at the entries of the sessions at `positions`, for training."""
    return MarketAtEntry(positions, entry_price(history, spec)[positions], entry_vix(history, spec)[positions])


class _Known:
    """What is knowable at each entry; one method a feature, each (n,)."""

    def __init__(self, history: MarketHistory, entry: MarketAtEntry, spec: CondorSpec) -> None:
        self.history = history
        self.spec = spec
        self.at = entry.positions
        self.price = entry.price
        self.entry_vix = entry.vix
        self.last = entry.positions if spec.entry == "close" else entry.positions - 1
        self.days = history.sessions[entry.positions]
        self.expected_move = expected_move(entry.price, entry.vix, spec.horizon_sessions)
        self.window, self.in_window = self._window()

    def _window(self) -> tuple[Positions, npt.NDArray[np.bool_]]:
        """(n, 23) positions of the sessions in the 30 calendar days before D, and which of them count."""
        window = self.at[:, None] - np.arange(1, WINDOW_MAX_SESSIONS + 1)
        oldest = self.days[:, None] - np.timedelta64(WINDOW_CALENDAR_DAYS, "D")
        inside = (window >= 0) & (self.history.sessions[np.maximum(window, 0)] >= oldest)
        return np.maximum(window, 0), inside

    def _complete(self) -> npt.NDArray[np.bool_]:
        """(n,) whether every session of the 30 days has its bar."""
        calendar = exchange_sessions().days
        oldest = self.days - np.timedelta64(WINDOW_CALENDAR_DAYS, "D")
        first_needed = calendar[np.searchsorted(calendar, oldest)]
        reaches_back: npt.NDArray[np.bool_] = self.history.sessions[0] <= first_needed
        return reaches_back & (self.history.has_bar[self.window] | ~self.in_window).all(axis=1)

    def _before_entry(self, column: Floats, back: int) -> Floats:
        """(n,) the value `back` sessions before the last known close (0: that close's own)."""
        at = self.last - back
        return np.where(at >= 0, column[np.maximum(at, 0)], np.nan)

    def _change_pct(self, column: Floats) -> Floats:
        return 100 * (self._before_entry(column, 0) / self._before_entry(column, 1) - 1)

    def vix(self) -> Floats:
        return self.entry_vix

    def day_of_week(self) -> Floats:
        since_a_monday = self.days.astype(np.int64) + 3
        return (since_a_monday % 7).astype(np.float64)

    def expected_move_pct(self) -> Floats:
        return 100 * self.expected_move / self.price

    def vix_percentile_30d(self) -> Floats:
        closes = self.history.vix_close[self.window]
        vix = self.entry_vix[:, None]
        below = np.where(self.in_window, (closes < vix) + 0.5 * (closes == vix), 0.0).sum(axis=1)
        return np.where(self._complete(), 100 * below / np.maximum(self.in_window.sum(axis=1), 1), np.nan)

    def vix_change_1d(self) -> Floats:
        return self._change_pct(self.history.vix_close)

    def price_change_1d(self) -> Floats:
        return self._change_pct(self.history.spx_close)

    def win_rate_30d(self) -> Floats:
        """Share of the condors settled in the window that won, shrunk towards the schema's constant."""
        won = wins(self.history, self.spec, [DEFAULT_SD_MULTIPLIER])[:, 0]
        entered = self.window - self.spec.dte_sessions
        settled = np.where(self.in_window & (entered >= 0), won[np.maximum(entered, 0)], np.nan)
        count = (~np.isnan(settled)).sum(axis=1)
        prior = WIN_RATE_PRIOR_SESSIONS * WIN_RATE_PRIOR
        rate = (np.nansum(settled, axis=1) + prior) / (count + WIN_RATE_PRIOR_SESSIONS)
        return np.where(self._complete(), rate, np.nan)

    def realised_5_over_implied(self) -> Floats:
        return self._realised_over_implied(5)

    def realised_22_over_implied(self) -> Floats:
        return self._realised_over_implied(22)

    def range_5_over_implied(self) -> Floats:
        return self._range_over_implied(5)

    def range_22_over_implied(self) -> Floats:
        return self._range_over_implied(22)

    def return_5(self) -> Floats:
        """Log return of the last 5 known sessions, in their standard deviations as VIX at entry implies it."""
        closes = self._lately(self.history.spx_close, 6)
        return _log(closes[:, 0] / closes[:, 5]) / (self._implied_daily() * math.sqrt(5))

    def drawdown_66(self) -> Floats:
        """Log distance of the last known close from the highest of 66, in daily standard deviations implied."""
        closes = self._lately(self.history.spx_close, 66)
        return _log(closes[:, 0] / closes.max(axis=1)) / self._implied_daily()

    def holidays_ahead(self) -> Floats:
        """Weekdays without a session between entry and settlement."""
        calendar = exchange_sessions().days
        entered = np.searchsorted(calendar, self.days)
        settled = calendar[np.minimum(entered + self.spec.dte_sessions, len(calendar) - 1)]
        weekdays = np.busday_count(self.days, settled)
        return (weekdays - self.spec.dte_sessions).astype(np.float64)

    def _realised_over_implied(self, sessions: int) -> Floats:
        """Log of the Parkinson volatility of the last known sessions over the daily one that VIX implies.

        sqrt(mean(log(high / low)^2) / (4 log 2)), Parkinson (1980): robust to opens that are stale.
        """
        ranges = self._lately(self._log_range, sessions)
        parkinson = np.sqrt((ranges**2).mean(axis=1) / (4 * np.log(2)))
        return _log(parkinson / self._implied_daily())

    def _range_over_implied(self, sessions: int) -> Floats:
        """Log of the mean daily range, each over the move that VIX implied the day before."""
        implied_before = np.concatenate([[np.nan], self.history.vix_close[:-1]]) / 100 / math.sqrt(SESSIONS_PER_YEAR)
        return _log(self._lately(self._log_range / implied_before, sessions).mean(axis=1))

    @cached_property
    def _log_range(self) -> Floats:
        return _log(self.history.spx_high / self.history.spx_low)

    def _implied_daily(self) -> Floats:
        return self.entry_vix / 100 / math.sqrt(SESSIONS_PER_YEAR)

    def _lately(self, column: Floats, sessions: int) -> Floats:
        """(n, sessions) the last known values, newest first."""
        return np.column_stack([self._before_entry(column, back) for back in range(sessions)])


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(values))


def features_at_entry(
    history: MarketHistory | None, spec: CondorSpec, session: date, price: float, vix: float
) -> dict[str, float]:
    """The features of one entry as a live trader knows them, by name; those not knowable are absent.

    Parameters
    ----------
    history : stored bars; those of `session` and later are not looked at, except what an entry at the close knows
    price, vix : at entry
    """
    sessions = exchange_sessions().ending_at(session, LOOKBACK_SESSIONS + spec.dte_sessions + 1)
    known = _as_seen_at_entry(history, sessions, spec, price, vix)
    entry = MarketAtEntry(np.array([len(known) - 1]), np.array([price]), np.array([vix]))
    row = feature_matrix(known, entry, spec)[0]
    return {name: float(value) for name, value in zip(FEATURES, row, strict=True) if not np.isnan(value)}


def _as_seen_at_entry(
    history: MarketHistory | None, sessions: Days, spec: CondorSpec, price: float, vix: float
) -> MarketHistory:
    """The bars of `sessions`, of whose last only the closes are known, and those only by an entry at the close."""
    nothing = MarketHistory.empty(sessions)
    known = nothing if history is None else history.on(sessions)
    columns = {name: column.copy() for name, column in known.columns.items()}
    for name, column in columns.items():
        if spec.entry == "open" or name in ("spx_open", "vix_open"):
            column[-1] = np.nan
    if spec.entry == "close":
        columns["spx_close"][-1], columns["vix_close"][-1] = price, vix
    return MarketHistory(sessions, **columns)
