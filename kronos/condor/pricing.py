"""The modelled value of a condor: Black and Scholes (1973), its volatility scaled from an index and skewed by strike.

VIX is not the volatility of a one-day trade, and a single volatility cannot price four strikes. The figures of
`SURFACES` are measured; see `docs/decisions/0016-worlds-of-price.md`. Rates and dividends are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kronos.condor.entry import entry_vix
from kronos.condor.settlement import CLOSES_AT_MINUTE, OPENS_AT_MINUTE, settles_at_minute
from kronos.condor.short_dated import VIX1D_SHARE, short_dated_index
from kronos.condor.spec import CondorSpec, Entry
from kronos.condor.strikes import Strikes
from kronos.condor.worlds import World
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import SESSIONS_PER_YEAR, Days


@dataclass(frozen=True)
class Surface:
    """The ratio of implied volatility to an index, by entry, time to settlement and strike.

    Attributes
    ----------
    world : which index it is scaled from: VIX, or the short-dated one
    lives : sessions from entry to settlement for which `scale` is given; linear in between, constant beyond
    scale : ratio of at-the-money volatility to the index, by entry
    skew : the ratio of the volatility at strike K to that at the money is 1 + skew (sqrt(1 + x^2) - 1 - x), where x
        is log(K / price) in expected moves: a hyperbola that is steep below the price and flat far above it
    """

    world: World
    scale: Mapping[Entry, tuple[float, ...]]
    lives: tuple[float, ...] = (1, 2, 5, 10, 22)
    skew: float = 0.17

    def index(self, history: MarketHistory, spec: CondorSpec) -> Floats:
        """(n,) the index at each session's entry, in points."""
        return entry_vix(history, spec) if self.world == World.VIX_ONLY else short_dated_index(history, spec)

    def volatility(self, price: Floats, strike: Floats, index: Floats, entry: Entry, life: Floats) -> Floats:
        """Annual volatility as a fraction, in the arguments' common shape; `life` is in sessions."""
        at_the_money = np.interp(life, self.lives, self.scale[entry])
        move = index / 100 * np.sqrt(life / SESSIONS_PER_YEAR)
        x = np.log(strike / price) / move
        return np.asarray(index / 100 * at_the_money * (1 + self.skew * (np.sqrt(1 + x**2) - 1 - x)))


VIX_ONLY: Final = Surface(
    World.VIX_ONLY, {"open": (0.62, 0.67, 0.70, 0.69, 0.65), "close": (0.79, 0.76, 0.74, 0.70, 0.70)}
)
SHORT_DATED: Final = Surface(
    World.SHORT_DATED,
    {"open": (VIX1D_SHARE["open"], 0.68, 0.72, 0.70, 0.65), "close": (VIX1D_SHARE["close"], 0.79, 0.77, 0.72, 0.70)},
)

LOWEST_STRIKE = 0.01
"""Spoiled bars put strikes below 0, where no option is worth anything."""
CDF_FAR = 38.0
CDF_ABOVE = (
    3.52624965998911e-02,
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
CDF_BELOW = (
    8.83883476483184e-02,
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)


def normal_cdf(x: Floats) -> Floats:
    """The normal distribution function to within 1e-15, in the argument's shape.

    exp(-x^2 / 2) times a ratio of polynomials in |x| (Hart et al. 1968, as in West 2005).
    """
    distance = np.minimum(np.abs(x), CDF_FAR)
    tail = np.exp(-distance * distance / 2) * np.polyval(CDF_ABOVE, distance) / np.polyval(CDF_BELOW, distance)
    return np.asarray(np.where(x > 0, 1 - tail, tail))


def put_value(price: Floats, strike: Floats, volatility: Floats, years: npt.ArrayLike) -> Floats:
    """The value of a European put in index points, in the arguments' common shape."""
    deviation = volatility * np.sqrt(years)
    d1 = np.log(price / strike) / deviation + deviation / 2
    return np.asarray(strike * normal_cdf(deviation - d1) - price * normal_cdf(-d1))


def call_value(price: Floats, strike: Floats, volatility: Floats, years: npt.ArrayLike) -> Floats:
    """The value of a European call in index points, by put-call parity."""
    return put_value(price, strike, volatility, years) + price - strike


def condor_value(
    price: Floats, index: Floats, strikes: Strikes, entry: Entry, life: Floats, surface: Surface = VIX_ONLY
) -> Floats:
    """The modelled mid value of a condor in index points, in the arguments' common shape: 0 to the wing width.

    Parameters
    ----------
    price, index : points of SPX and of the surface's index at the moment of pricing
    entry : whether that moment is a session's open or its close
    life : sessions left, with half days counted by their hours (see `life_in_sessions`)
    """

    def leg(value: Any, strike: Floats) -> Floats:
        strike = np.maximum(strike, LOWEST_STRIKE)
        volatility = surface.volatility(price, strike, index, entry, life)
        return np.asarray(value(price, strike, volatility, life / SESSIONS_PER_YEAR))

    puts = leg(put_value, strikes.put_short) - leg(put_value, strikes.put_long)
    calls = leg(call_value, strikes.call_short) - leg(call_value, strikes.call_long)
    return np.clip(puts + calls, 0, strikes.put_short - strikes.put_long)


def life_in_sessions(sessions: Days, spec: CondorSpec, ahead: int | None = None) -> Floats:
    """(n,) sessions from entry through settlement; NaN where the settlement lies past the end.

    A half day counts by its trading hours, 3.5 of 6.5, since a trade that it settles has no more time than that.

    Parameters
    ----------
    sessions : (n,) consecutive sessions
    ahead : count from the open of the session this many sessions after entry; default: from entry
    """
    first = spec.first_session_ahead if ahead is None else ahead
    share = (settles_at_minute(sessions) - OPENS_AT_MINUTE) / (CLOSES_AT_MINUTE - OPENS_AT_MINUTE)
    elapsed = np.concatenate([[0.0], np.cumsum(share)])
    positions = np.arange(len(sessions))
    stop = positions + spec.dte_sessions + 1
    known = stop < len(elapsed)
    begin = np.minimum(positions + first, len(sessions))
    return np.where(known, elapsed[np.minimum(stop, len(sessions))] - elapsed[begin], np.nan)
