"""How the condor itself has done lately, whether it was traded or not."""

from __future__ import annotations

import numpy as np

from kronos.condor.labels import wins
from kronos.condor.spec import DEFAULT_SD_MULTIPLIER
from kronos.features.entries import WINDOW_MAX_SESSIONS, Entries
from kronos.features.registry import feature
from kronos.market.history import Floats

PRIOR_WIN_RATE = 0.8
PRIOR_SESSIONS = 10


@feature(unit="0 to 1", lookback_sessions=WINDOW_MAX_SESSIONS, variants=("market",))
def win_rate_30d(entries: Entries) -> Floats:
    """Share of the condors settled in the last 30 calendar days that won, drawn towards 0.8.

    (wins + 10 x 0.8) / (n + 10): with few settlements the rate stays close to the prior.
    """
    won = wins(entries.history, entries.spec, [DEFAULT_SD_MULTIPLIER])[:, 0]
    window, inside = entries.month
    entered = window - entries.spec.dte_sessions
    settled = np.where(inside & (entered >= 0), won[np.maximum(entered, 0)], np.nan)
    count = (~np.isnan(settled)).sum(axis=1)
    rate = (np.nansum(settled, axis=1) + PRIOR_SESSIONS * PRIOR_WIN_RATE) / (count + PRIOR_SESSIONS)
    return np.where(entries.month_is_complete, rate, np.nan)
