"""The iron condor: how far out its strikes stand, and how it ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from kronos.market import Floats, MarketHistory
from kronos.sessions import SESSIONS_PER_YEAR, Days, exchange_sessions

Entry = Literal["open", "close"]
Management = Literal["hold", "touch"]
Number = TypeVar("Number", float, Floats)

SD_MULTIPLIERS: tuple[float, ...] = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
DEFAULT_SD_MULTIPLIER = 1.0
LONGEST_DTE_SESSIONS = 252

OPENS_AT_MINUTE, CLOSES_AT_MINUTE, HALF_DAY_CLOSES_AT_MINUTE = 9 * 60 + 30, 16 * 60, 13 * 60


@dataclass(frozen=True, slots=True)
class CondorSpec:
    """The trade that a model is about; it travels in the artefact's manifest.

    Attributes
    ----------
    entry : at the session's open or at its close
    dte_sessions : sessions from the entry's to the settlement's; 0 settles on the day of entry
    management : hold to settlement, or close when a short strike is touched
    wing_width_points : from a short strike to its long strike
    strike_step_points : listed strikes are multiples of this
    """

    entry: Entry = "open"
    dte_sessions: int = 0
    management: Management = "hold"
    wing_width_points: float = 10.0
    strike_step_points: float = 5.0

    def __post_init__(self) -> None:
        if self.entry not in get_args(Entry) or self.management not in get_args(Management):
            raise ValueError("entry is open or close, management hold or touch")
        if type(self.dte_sessions) is not int or self.dte_sessions > LONGEST_DTE_SESSIONS:
            raise ValueError(f"dte_sessions is a whole number up to {LONGEST_DTE_SESSIONS}")
        if self.dte_sessions < shortest_dte(self.entry):
            raise ValueError("an entry at the close needs dte_sessions of at least 1, one at the open at least 0")
        if not (0 < self.wing_width_points < math.inf and 0 < self.strike_step_points < math.inf):
            raise ValueError("wing width and strike step must be above 0")

    @property
    def horizon_sessions(self) -> int:
        """Session closes from entry through settlement."""
        return self.dte_sessions + 1 if self.entry == "open" else self.dte_sessions

    @property
    def first_session_ahead(self) -> int:
        """Sessions from entry to the first whose bar can hurt: 0 at the open, 1 at the close."""
        return 0 if self.entry == "open" else 1


def shortest_dte(entry: Entry) -> int:
    """Fewest sessions from entry to settlement: an entry at the close has missed its own session's."""
    return 1 if entry == "close" else 0


class Strikes(NamedTuple):
    """The four strikes of condors, index points, of one shape."""

    put_long: Floats
    put_short: Floats
    call_short: Floats
    call_long: Floats

    def payout(self, settlement: Floats) -> Floats:
        """What both spreads pay their buyer at one settlement price, index points: 0 to the wing's width."""
        puts = np.clip(self.put_short - settlement, 0, self.put_short - self.put_long)
        calls = np.clip(settlement - self.call_short, 0, self.call_long - self.call_short)
        return puts + calls


def expected_move(price: Number, vix: Number, horizon_sessions: int) -> Number:
    """One standard deviation of the price as VIX implies it, in index points.

    price x VIX/100 x sqrt(horizon / 252), of the arguments' shape.
    """
    return price * vix / 100 * math.sqrt(horizon_sessions / SESSIONS_PER_YEAR)


def entry_price(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(n,) SPX at each session's entry, index points."""
    return history.spx_open if spec.entry == "open" else history.spx_close


def entry_vix(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(n,) VIX at each session's entry: at the open its open where known, else the previous close."""
    if spec.entry == "close":
        return history.vix_close
    previous_close = np.concatenate([[np.nan], history.vix_close[:-1]])
    return np.where(np.isnan(history.vix_open), previous_close, history.vix_open)


def settlement_price(history: MarketHistory, spec: CondorSpec) -> Floats:
    """(n,) the close that settles a trade entered on each session; NaN where it is not known yet."""
    settled = np.full(len(history), np.nan)
    alive = len(history) - spec.dte_sessions
    if alive > 0:
        settled[:alive] = history.spx_close[spec.dte_sessions :]
    return settled


def settles_at_minute(days: Days) -> npt.NDArray[np.int64]:
    """When options that expire on these sessions settle, in minutes after midnight in New York, of `days`' shape.

    16:00, on half days 13:00; a daily bar's close is the price of that moment.
    """
    half_days = np.array(sorted(exchange_sessions().half_days), dtype="datetime64[D]")
    return np.where(np.isin(days, half_days), HALF_DAY_CLOSES_AT_MINUTE, CLOSES_AT_MINUTE)


def price_range_in_trade(history: MarketHistory, spec: CondorSpec) -> tuple[Floats, Floats]:
    """(n,) lowest and (n,) highest SPX from entry through settlement; NaN where not known yet."""
    low, high = np.full(len(history), np.inf), np.full(len(history), -np.inf)
    for ahead in range(spec.first_session_ahead, spec.dte_sessions + 1):
        low = np.minimum(low, _shifted(history.spx_low, ahead))
        high = np.maximum(high, _shifted(history.spx_high, ahead))
    return low, high


def breaches(history: MarketHistory, spec: CondorSpec, half_widths: Floats) -> tuple[Floats, Floats]:
    """Which short strikes were passed, at exact (unlisted) strikes.

    Parameters
    ----------
    half_widths : (n, k) distance of the short strikes from the entry price, index points

    Returns
    -------
    put, call : (n, k) 1.0 where that side was breached, 0.0 where not, NaN where not known yet
    """
    price = entry_price(history, spec)[:, None]
    if spec.management == "hold":
        low = high = settlement_price(history, spec)
    else:
        low, high = price_range_in_trade(history, spec)
    put, call = price - half_widths > low[:, None], price + half_widths < high[:, None]
    unknown = np.isnan(half_widths) | np.isnan(price) | np.isnan(low)[:, None] | np.isnan(high)[:, None]
    return np.where(unknown, np.nan, put), np.where(unknown, np.nan, call)


def wins(history: MarketHistory, spec: CondorSpec, multipliers: npt.ArrayLike = SD_MULTIPLIERS) -> Floats:
    """Whether the condor of each session ended at full profit, for exact multiples of the expected move.

    Returns
    -------
    (n, k) 1.0 for `MAX_PROFIT`, 0.0 for a breach, NaN where entry or settlement is not known
    """
    move = expected_move(entry_price(history, spec), entry_vix(history, spec), spec.horizon_sessions)
    put, call = breaches(history, spec, move[:, None] * np.asarray(multipliers, dtype=np.float64))
    return 1.0 - np.maximum(put, call)


def wins_at(price: float, vix: float, settlement: float, spec: CondorSpec) -> Floats:
    """(len(SD_MULTIPLIERS),) whether a condor entered at this price and VIX, held to this settlement, won."""
    move = expected_move(price, vix, spec.horizon_sessions)
    return (abs(settlement - price) <= np.array(SD_MULTIPLIERS) * move).astype(np.float64)


def listed_strikes(price: Floats, half_width: Floats, spec: CondorSpec) -> Strikes:
    """The strikes that can be traded, of the arguments' shape: shorts rounded away from the price to the step."""
    step, wing = spec.strike_step_points, spec.wing_width_points
    put_short = np.floor((price - half_width) / step) * step
    call_short = np.ceil((price + half_width) / step) * step
    return Strikes(put_short - wing, put_short, call_short, call_short + wing)


class ShortStrikes(NamedTuple):
    """The two short strikes of one condor, index points."""

    put: float
    call: float


def short_strike_range(
    price: float, vix: float, sd_multiplier: float, spec: CondorSpec
) -> tuple[ShortStrikes, ShortStrikes]:
    """The shorts at the exact multiple and as listed, between which those that were traded stand."""
    half_width = sd_multiplier * expected_move(price, vix, spec.horizon_sessions)
    listed = listed_strikes(np.array(price), np.array(half_width), spec)
    nearest = ShortStrikes(price - half_width, price + half_width)
    return nearest, ShortStrikes(float(listed.put_short), float(listed.call_short))


def win_is_contradicted(settlement: float, nearest: ShortStrikes, farthest: ShortStrikes, *, won: bool) -> bool:
    """Whether no condor held to this settlement, its shorts between these, can have ended so."""
    if won:
        return settlement < farthest.put or settlement > farthest.call
    return nearest.put <= settlement <= nearest.call


def _shifted(values: Floats, ahead: int) -> Floats:
    """(n,) the value `ahead` sessions later; NaN past the end."""
    return np.concatenate([values[ahead:], np.full(min(ahead, len(values)), np.nan)])
