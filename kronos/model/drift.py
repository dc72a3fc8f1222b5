"""Feature drift: the features that the model is asked about now, compared with those it was trained on.

The population stability index (PSI) of few, slowly moving values is large by chance alone. So each PSI is judged
against those of stretches of training rows of the same length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from kronos.errors import ArtefactError
from kronos.features.registry import Feature
from kronos.market.history import Floats
from kronos.model.packing import require_array

DriftVerdict = Literal["ok", "watch", "shifted", "too_few"]

DECILES = np.arange(1, 10) / 10
ABSURD = 1e9
NO_DEVIATION = 1e-12
FEWEST_SESSIONS = 50
WATCH_PSI = 0.10
SHIFTED_PSI = 0.25
MUCH_OUTSIDE = 0.10
USUAL_SHARE = 0.95
PRIOR_COUNT = 0.5


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the live values of one feature are from its training values.

    Attributes
    ----------
    sessions : live values
    live_mean, training_mean : in the feature's unit
    mean_shift : their difference in training standard deviations; None if the feature never varied
    outside_range : share of live values below the lowest or above the highest training value
    psi : population stability index over the training deciles
    watch_above : 0.10, or the PSI that 95 % of equally long stretches of training rows stay below, if that is larger
    shifted_above : 0.25, or the PSI that all such stretches stay below, if that is larger
    verdict : `too_few` below 50 sessions; `shifted` if the PSI is above `shifted_above` or more than a tenth of the
        values lie outside the range; `watch` if the PSI is above `watch_above`; else `ok`
    """

    sessions: int
    live_mean: float
    training_mean: float
    mean_shift: float | None
    outside_range: float
    psi: float
    watch_above: float
    shifted_above: float
    verdict: DriftVerdict


@dataclass(frozen=True, slots=True, eq=False)
class TrainingValues:
    """One feature's training distribution.

    Attributes
    ----------
    edges : (b - 1,) the distinct deciles
    bins : (n,) the bin of each training row, in time order
    lowest, highest, mean, deviation : of the training rows, in the feature's unit
    """

    edges: Floats
    bins: npt.NDArray[np.intp]
    lowest: float
    highest: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Floats) -> TrainingValues:
        """Summarise (n,) training values in time order."""
        edges = np.unique(np.quantile(values, DECILES, method="inverted_cdf"))
        summary = (values.min(), values.max(), values.mean(), values.std())
        return cls(edges, np.searchsorted(edges, values), *map(float, summary))

    def drift(self, live: Floats) -> Drift:
        """Compare (m,) live values with them; m is at least 1."""
        shift = float(live.mean()) - self.mean
        outside = float(((live < self.lowest) | (live > self.highest)).mean())
        psi = float(self._psi(self._counts(np.searchsorted(self.edges, live))))
        usual = self._usual(len(live))
        watch = max(WATCH_PSI, float(np.quantile(usual, USUAL_SHARE)))
        shifted = max(SHIFTED_PSI, float(usual.max()))
        return Drift(
            sessions=len(live),
            live_mean=float(live.mean()),
            training_mean=self.mean,
            mean_shift=shift / self.deviation if self.deviation > NO_DEVIATION else None,
            outside_range=outside,
            psi=psi,
            watch_above=watch,
            shifted_above=shifted,
            verdict=_verdict(len(live), psi > watch, psi > shifted or outside > MUCH_OUTSIDE),
        )

    def _counts(self, bins: npt.NDArray[np.intp]) -> Floats:
        return np.bincount(bins, minlength=len(self.edges) + 1).astype(np.float64)

    def _psi(self, counts: Floats) -> Floats:
        """The sum of (a - e) log(a / e) over the bins' shares; half a row is added to each count, so that none is 0.

        Parameters
        ----------
        counts : (..., b) live rows per bin
        """
        actual, expected = _shares(counts), _shares(self._counts(self.bins))
        return np.asarray(((actual - expected) * np.log(actual / expected)).sum(axis=-1))

    def _usual(self, length: int) -> Floats:
        """The PSI of every stretch of training rows of this length, or of all rows if there are fewer."""
        held = self.bins[:, None] == np.arange(len(self.edges) + 1)
        sums = np.concatenate([np.zeros((1, held.shape[1])), np.cumsum(held, axis=0)])
        length = min(length, len(self.bins))
        return self._psi(sums[length:] - sums[:-length])


def training_values(arrays: Mapping[str, npt.NDArray[Any]], features: Sequence[Feature]) -> dict[str, TrainingValues]:
    """The features' distributions in the training rows inside an artefact; empty if it has no rows.

    Raises
    ------
    ArtefactError
        If the rows are not what they should be.
    """
    if "rows/features" not in arrays:
        return {}
    rows = require_array(arrays, "rows/features", "float64", (None, len(features)), may_be_nan=True)
    known = ~np.isnan(rows)
    if (np.abs(rows[known]) > ABSURD).any():
        raise ArtefactError("the training rows hold absurdly large values")
    return {
        feature.name: TrainingValues.of(rows[known[:, at], at])
        for at, feature in enumerate(features)
        if known[:, at].any()
    }


def _shares(counts: Floats) -> Floats:
    smoothed = counts + PRIOR_COUNT
    return np.asarray(smoothed / smoothed.sum(axis=-1, keepdims=True))


def _verdict(sessions: int, watch: bool, shifted: bool) -> DriftVerdict:
    if sessions < FEWEST_SESSIONS:
        return "too_few"
    if shifted:
        return "shifted"
    return "watch" if watch else "ok"
