"""Modelled credit of a condor: Black and Scholes (1973) at a volatility scaled from VIX, without rates or dividends.

VIX is not the volatility of a trade of a day, so VIX is scaled before it prices one: `VOLATILITY_SCALE`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from kronos.condor import CondorSpec, listed_strikes
from kronos.market import Floats
from kronos.sessions import SESSIONS_PER_YEAR

VOLATILITY_SCALE = {"open": 0.65, "close": 0.80}
"""Volatility over VIX by entry: about what SPX has realised (`docs/decisions/0005-modelled-credit.md`)."""


def put_value(price: Floats, strike: Floats, volatility: Floats, years: float) -> Floats:
    """Value of a European put in index points, of the arguments' common shape."""
    deviation = volatility * np.sqrt(years)
    d1 = np.log(price / strike) / deviation + deviation / 2
    return np.asarray(strike * ndtr(deviation - d1) - price * ndtr(-d1))


def call_value(price: Floats, strike: Floats, volatility: Floats, years: float) -> Floats:
    """Value of a European call in index points, by put-call parity."""
    return put_value(price, strike, volatility, years) + price - strike


def modelled_credit(price: Floats, vix: Floats, half_width: Floats, spec: CondorSpec) -> Floats:
    """Modelled mid credit of the condor at listed strikes, index points, of the arguments' common shape."""
    volatility = VOLATILITY_SCALE[spec.entry] * vix / 100
    years = spec.horizon_sessions / SESSIONS_PER_YEAR
    put_long, put_short, call_short, call_long = listed_strikes(price, half_width, spec)
    puts = put_value(price, put_short, volatility, years) - put_value(price, put_long, volatility, years)
    calls = call_value(price, call_short, volatility, years) - call_value(price, call_long, volatility, years)
    return puts + calls
