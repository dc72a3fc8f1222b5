"""Training rows: one a session, with its features and one label a multiplier."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from kronos.artefact import Artefact
from kronos.condor import SD_MULTIPLIERS, CondorSpec, wins
from kronos.errors import MarketDataError
from kronos.features import (
    FEATURES,
    VARIANT_FEATURES,
    MarketAtEntry,
    Variant,
    feature_matrix,
    market_at_entry,
)
from kronos.market import Floats, MarketHistory, Positions, stale_open_years, years_of
from kronos.packing import require_array
from kronos.sessions import Days

Labels = Floats


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """What a model is trained and scored on.

    Attributes
    ----------
    sessions : (n,) datetime64[D], ascending, each once
    price, vix : (n,) at entry
    features : (n, len(FEATURES)), NaN where not knowable
    labels : (n, len(SD_MULTIPLIERS)) 1.0 win, 0.0 loss, NaN where not known
    """

    sessions: Days
    price: Floats
    vix: Floats
    features: Floats
    labels: Labels

    def __len__(self) -> int:
        return len(self.sessions)

    def take(self, chosen: Positions | npt.NDArray[np.bool_] | slice) -> TrainingRows:
        """Some of the rows."""
        return TrainingRows(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def for_variant(self, variant: Variant) -> Floats:
        """(n, k) the variant's own features, in its order."""
        return self.features[:, [FEATURES.index(name) for name in VARIANT_FEATURES[variant]]]

    def complete(self, variant: Variant) -> npt.NDArray[np.bool_]:
        """(n,) whether all of a variant's features, and at least one label, are known."""
        absent = np.isnan(self.for_variant(variant)).any(axis=1) | np.isnan(self.labels).all(axis=1)
        return np.asarray(~absent)

    def from_the_market(self) -> npt.NDArray[np.bool_]:
        """(n,) which rows have every label, as only a settlement gives them."""
        return np.asarray(~np.isnan(self.labels).any(axis=1))

    def losses(self) -> int:
        """Sessions lost at multiplier 1.0."""
        return int((self.labels[:, SD_MULTIPLIERS.index(1.0)] == 0).sum())


def build_rows(
    history: MarketHistory,
    spec: CondorSpec,
    start: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
) -> tuple[TrainingRows, list[int]]:
    """Rows for every session from `start` to `end` that can be entered and is settled.

    Returns
    -------
    The rows, and the years left out because their opens are stale (entry at the open only).

    Raises
    ------
    MarketDataError
        Where no session is left.
    """
    chosen = np.ones(len(history), dtype=bool)
    if start is not None:
        chosen &= history.sessions >= start
    if end is not None:
        chosen &= history.sessions <= end
    stale: list[int] = []
    if spec.entry == "open":
        years = years_of(history.sessions)
        stale = [year for year in stale_open_years(history) if (years[chosen] == year).any()]
        chosen &= ~np.isin(years, stale)
    if not chosen.any():
        raise MarketDataError(_nothing_left(history, start, end, stale))
    labels = wins(history, spec)
    positions = np.flatnonzero(chosen & ~np.isnan(labels).any(axis=1))
    if not len(positions):
        raise MarketDataError("no session between these dates has both an entry and a settlement")
    return rows_at(history, spec, market_at_entry(history, spec, positions), labels[positions]), stale


def rows_at(history: MarketHistory, spec: CondorSpec, entry: MarketAtEntry, labels: Labels) -> TrainingRows:
    """Rows for the given entries and their (n, len(SD_MULTIPLIERS)) labels."""
    features = feature_matrix(history, entry, spec)
    return TrainingRows(history.sessions[entry.positions], entry.price, entry.vix, features, labels)


def _nothing_left(
    history: MarketHistory, start: np.datetime64 | None, end: np.datetime64 | None, stale: list[int]
) -> str:
    if stale:
        years = ", ".join(map(str, stale))
        return f"no session is left: SPX opens are stale in {years}; enter at the close, or use other years"
    first, last = history.sessions[0], history.sessions[-1]
    return (
        f"no session between {start or first} and {end or last}: the data covers {first} to {last}; "
        "`kronos fetch` brings fresh history"
    )


def merge_rows(rows: TrainingRows, newer: TrainingRows) -> TrainingRows:
    """Both as one, in order of time; where both have a session, the newer row stands."""
    kept = rows.take(~np.isin(rows.sessions, newer.sessions))
    joined = TrainingRows(
        **{
            field.name: np.concatenate([getattr(kept, field.name), getattr(newer, field.name)])
            for field in fields(kept)
        }
    )
    return joined.take(np.argsort(joined.sessions, kind="stable"))


def row_arrays(rows: TrainingRows) -> dict[str, npt.NDArray[Any]]:
    """The rows as arrays of an artefact, so that a retrain can continue from them."""
    return {f"rows/{field.name}": getattr(rows, field.name) for field in fields(rows)}


def rows_of(artefact: Artefact) -> TrainingRows:
    """The training rows that travel in an artefact.

    Raises
    ------
    ArtefactError
    """
    count = len(artefact.arrays.get("rows/sessions", ()))
    shapes: dict[str, tuple[int, ...]] = {
        "sessions": (count,),
        "price": (count,),
        "vix": (count,),
        "features": (count, len(FEATURES)),
        "labels": (count, len(SD_MULTIPLIERS)),
    }
    arrays = {
        name: require_array(
            artefact.arrays,
            f"rows/{name}",
            "datetime64[D]" if name == "sessions" else "float64",
            shape,
            may_be_nan=True,
        )
        for name, shape in shapes.items()
    }
    return TrainingRows(**arrays)
