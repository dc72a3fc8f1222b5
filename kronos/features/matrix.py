"""From bars to feature values: many entries for training, or one entry as a live trader sees it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from kronos.condor.spec import CondorSpec
from kronos.features.entries import Entries
from kronos.features.registry import Feature
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import Days, exchange_sessions


def feature_matrix(entries: Entries, features: Sequence[Feature]) -> Floats:
    """Compute the features of each entry.

    Returns
    -------
    (n, len(features)) in the given order; NaN where a bar that a feature needs is missing or makes no sense

    Notes
    -----
    No bar after entry is read. A row depends only on the sessions of `lookback`, so a slice that holds them is enough.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = np.column_stack([feature.compute(entries) for feature in features])
    return np.where(np.isfinite(matrix), matrix, np.nan)


def features_at_entry(
    history: MarketHistory | None,
    spec: CondorSpec,
    session: date,
    price: float,
    vix: float,
    features: Sequence[Feature],
) -> dict[str, float]:
    """The features of one entry by name, as a live trader knows them; unknown ones are absent.

    Parameters
    ----------
    history : stored bars; bars of `session` and later are not read, except for what an entry at the close knows
    price, vix : SPX and VIX at entry
    """
    seen = history_at_entry(history, spec, lookback(session, spec, features), price, vix)
    entries = Entries(seen, spec, np.array([len(seen) - 1]), np.array([price]), np.array([vix]))
    row = feature_matrix(entries, features)[0]
    return {feature.name: float(value) for feature, value in zip(features, row, strict=True) if not np.isnan(value)}


def lookback(session: date, spec: CondorSpec, features: Sequence[Feature]) -> Days:
    """The sessions that the features of an entry can read, up to and including its own."""
    longest = max(feature.lookback_sessions for feature in features)
    return exchange_sessions().ending_at(session, longest + spec.dte_sessions + 1)


def history_at_entry(
    history: MarketHistory | None, spec: CondorSpec, sessions: Days, price: float, vix: float
) -> MarketHistory:
    """The bars of `sessions` that a trader entering on the last one can know: at the open, nothing of that session."""
    known = MarketHistory.empty(sessions) if history is None else history.on(sessions)
    columns = {name: column.copy() for name, column in known.columns.items()}
    if spec.entry == "open":
        for column in columns.values():
            column[-1] = np.nan
    if spec.entry == "close":
        columns["spx_close"][-1], columns["vix_close"][-1] = price, vix
    return MarketHistory(sessions, columns)
