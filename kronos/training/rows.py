"""Training rows: one per session, with its features and one label per multiplier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kronos.condor.entry import PriceSource, PriceTally, SourceCodes, price_sources
from kronos.condor.labels import wins
from kronos.condor.spec import DEFAULT_COLUMN, SD_MULTIPLIERS, CondorSpec
from kronos.errors import MarketDataError
from kronos.features.entries import Entries
from kronos.features.matrix import feature_matrix
from kronos.features.registry import Feature, FeatureId
from kronos.features.variants import CURRENT_FEATURES, Variant
from kronos.market.history import Flags, Floats, MarketHistory, Positions
from kronos.market.sessions import Days
from kronos.model.artefact import Artefact
from kronos.model.formats import FIRST_WITH_SOURCES, in_newest_format
from kronos.model.model import multipliers_in
from kronos.model.packing import require_array
from kronos.model.unpack_variants import features_in

LAGGING = (
    "SPX's printed opens lag in these years; "
    "add bars of SPY with `kronos fetch`, enter at the close, or use other years"
)
DTYPES = {"sessions": "datetime64[D]", "source": "int32"}
ARRAYS = ("sessions", "price", "vix", "source", "features", "labels")


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """The rows that a model is trained and scored on.

    Attributes
    ----------
    known : the features in the columns of `features`
    sessions : (n,) datetime64[D], strictly ascending
    price, vix : (n,) SPX and VIX at entry, as features see them
    source : (n,) where the labels' price at entry comes from, as values of `PriceSource`
    features : (n, len(known)), NaN where they cannot be known
    labels : (n, len(SD_MULTIPLIERS)) 1.0 for a win, 0.0 for a loss, NaN where it is not known
    """

    known: tuple[Feature, ...]
    sessions: Days
    price: Floats
    vix: Floats
    source: SourceCodes
    features: Floats
    labels: Floats

    def __len__(self) -> int:
        return len(self.sessions)

    def take(self, chosen: Positions | Flags | slice) -> TrainingRows:
        """Some of the rows."""
        return TrainingRows(self.known, **{name: getattr(self, name)[chosen] for name in ARRAYS})

    def of_variant(self, variant: Variant) -> Floats:
        """(n, features of the variant) the variant's features, in its order."""
        return self.of_features(variant.features)

    def of_features(self, features: Sequence[Feature]) -> Floats:
        """(n, len(features)) some of the features."""
        return self.features[:, [self.known.index(feature) for feature in features]]

    def complete(self, variant: Variant) -> Flags:
        """(n,) whether all of a variant's features and at least one label are known."""
        absent = np.isnan(self.of_variant(variant)).any(axis=1) | np.isnan(self.labels).all(axis=1)
        return np.asarray(~absent)

    def from_the_market(self) -> Flags:
        """(n,) whether a row has every label, which only a settlement from the market can give."""
        return np.asarray(~np.isnan(self.labels).any(axis=1))

    def scored_apart(self) -> Flags:
        """(n,) whether a row's label is less exact than the others, so that it trains but is no test."""
        return np.asarray(self.source == PriceSource.SPY_IMPLIED_LATE)

    def losses(self) -> int:
        """Number of sessions lost at the default multiplier."""
        return int((self.labels[:, DEFAULT_COLUMN] == 0).sum())

    def with_features(self, known: Sequence[Feature]) -> TrainingRows:
        """The same rows with other columns; NaN for features that were not among the known ones."""
        columns = [
            self.features[:, self.known.index(feature)] if feature in self.known else np.full(len(self), np.nan)
            for feature in known
        ]
        return replace(self, known=tuple(known), features=np.column_stack(columns))


def build_rows(
    history: MarketHistory,
    spec: CondorSpec,
    start: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
    features: Sequence[Feature] = CURRENT_FEATURES,
) -> tuple[TrainingRows, PriceTally]:
    """Rows for every session from `start` to `end` that can be entered and has settled.

    Returns
    -------
    The rows, and where their prices at entry come from, with the sessions that were left out.

    Raises
    ------
    MarketDataError
        If no session is left.
    """
    chosen = np.ones(len(history), dtype=bool)
    if start is not None:
        chosen &= history.sessions >= start
    if end is not None:
        chosen &= history.sessions <= end
    if not chosen.any():
        raise MarketDataError(_nothing_left(history, start, end))
    source, labels = price_sources(history, spec), wins(history, spec)
    tally = PriceTally.of(source[chosen])
    chosen &= source != PriceSource.LAGGING_PRINT
    if not chosen.any():
        raise MarketDataError(f"no session is left: {LAGGING}")
    positions = np.flatnonzero(chosen & ~np.isnan(labels).any(axis=1))
    if not len(positions):
        raise MarketDataError("no session between these dates has both entry and settlement prices")
    return rows_at(Entries.of_history(history, spec, positions), source[positions], labels[positions], features), tally


def rows_at(
    entries: Entries, source: SourceCodes, labels: Floats, features: Sequence[Feature] = CURRENT_FEATURES
) -> TrainingRows:
    """Rows for the given entries, their (n,) price sources and their (n, len(SD_MULTIPLIERS)) labels."""
    matrix = feature_matrix(entries, features)
    return TrainingRows(tuple(features), entries.days, entries.price, entries.vix, source, matrix, labels)


def _nothing_left(history: MarketHistory, start: np.datetime64 | None, end: np.datetime64 | None) -> str:
    first, last = history.sessions[0], history.sessions[-1]
    return (
        f"no session between {start or first} and {end or last}: the data covers {first} to {last}; "
        "fetch fresh history with `kronos fetch`"
    )


def merge_rows(rows: TrainingRows, newer: TrainingRows) -> TrainingRows:
    """Both sets of rows combined, in time order. Where both have a session, the row in `newer` is kept."""
    if rows.known != newer.known:
        raise ValueError("rows of different features cannot be merged")
    kept = rows.take(~np.isin(rows.sessions, newer.sessions))
    joined = TrainingRows(
        rows.known, **{name: np.concatenate([getattr(kept, name), getattr(newer, name)]) for name in ARRAYS}
    )
    return joined.take(np.argsort(joined.sessions, kind="stable"))


def row_arrays(rows: TrainingRows) -> dict[str, npt.NDArray[Any]]:
    """The rows as arrays of an artefact, so that a retraining can continue from them."""
    return {f"rows/{name}": getattr(rows, name) for name in ARRAYS}


def feature_list(features: Sequence[Feature]) -> list[FeatureId]:
    """Features as a manifest lists them."""
    return [feature.id for feature in features]


def rows_of(artefact: Artefact) -> TrainingRows:
    """The training rows inside an artefact, with its own features and labels at today's multipliers.

    Raises
    ------
    ArtefactError
    """
    manifest = in_newest_format(artefact.manifest)
    known, multipliers = features_in(manifest["features"]), multipliers_in(manifest)
    count = len(artefact.arrays.get("rows/sessions", ()))
    shapes: dict[str, tuple[int, ...]] = {
        "sessions": (count,),
        "price": (count,),
        "vix": (count,),
        "source": (count,),
        "features": (count, len(known)),
        "labels": (count, len(multipliers)),
    }
    stored = dict(artefact.arrays)
    if artefact.manifest["format"] < FIRST_WITH_SOURCES:
        source = PriceSource.SPX_PRINT if manifest["spec"]["entry"] == "open" else PriceSource.SPX_CLOSE
        stored["rows/source"] = np.full(count, source, dtype=np.int32)
    arrays = {
        name: require_array(
            stored,
            f"rows/{name}",
            DTYPES.get(name, "float64"),
            shape,
            may_be_nan=True,
        )
        for name, shape in shapes.items()
    }
    arrays["labels"] = _on_grid(arrays["labels"], multipliers)
    return TrainingRows(known, **arrays)


def _on_grid(labels: Floats, multipliers: Floats) -> Floats:
    """(n, len(SD_MULTIPLIERS)) labels from (n, k) labels at other multipliers; NaN at multipliers that those lack."""
    found = np.full((len(labels), len(SD_MULTIPLIERS)), np.nan)
    for at, multiplier in enumerate(SD_MULTIPLIERS):
        same = np.flatnonzero(np.isclose(multipliers, multiplier))
        if len(same):
            found[:, at] = labels[:, same[0]]
    return found
