"""Features of the term structure of implied volatility: what short and long horizons cost beside VIX."""

from __future__ import annotations

import numpy as np

from kronos.features.entries import Entries
from kronos.features.registry import feature
from kronos.market.history import Floats


@feature(unit="log ratio", lookback_sessions=1, variants=("term",))
def vix9d_over_vix(entries: Entries) -> Floats:
    """VIX9D over VIX at the last known close."""
    return _over_vix(entries, "vix9d_close")


@feature(unit="log ratio", lookback_sessions=1, variants=("term",))
def vix3m_over_vix(entries: Entries) -> Floats:
    """VIX3M over VIX at the last known close."""
    return _over_vix(entries, "vix3m_close")


def _over_vix(entries: Entries, column: str) -> Floats:
    ratio = entries.before_entry(entries.history.bars[column]) / entries.before_entry(entries.history.vix_close)
    return np.asarray(np.log(ratio))
