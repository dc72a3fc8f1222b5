"""Feature drift: what the model is asked about now, beside what it was trained on.

The population stability index (PSI) of few and slowly moving values is large by chance alone, so each is judged
against stretches of the training rows of the same length.
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
    """How far the live values of one feature are from those trained on.

    Attributes
    ----------
    sessions : live values
    live_mean, training_mean : in the feature's unit
    mean_shift : their difference in training standard deviations; None where the feature never varied
    outside_range : share of the live values below the lowest or above the highest trained on
    psi : population stability index over the training deciles
    watch_above, shifted_above : what it is judged by: 0.10 and 0.25, or, where larger, the PSI that 95 % and all
        stretches of the training rows of this length stay below
    verdict : `too_few` below 50 sessions; `shifted` above its limit, or with over a tenth outside the range; `watch`
        above its limit; else `ok`
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
    edges : (b - 1,) the deciles, each once
    bins : (n,) which bin each training row falls into, in order of time
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
        """Summarise (n,) training values in order of time."""
        edges = np.unique(np.quantile(values, DECILES, method="inverted_cdf"))
        summary = (values.min(), values.max(), values.mean(), values.std())
        return cls(edges, np.searchsorted(edges, values), *map(float, summary))

    def drift(self, live: Floats) -> Drift:
        """Compare (m,) live values, at least one."""
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
        """Sum of (a - e) log(a / e) over the bins' shares, each count half a row larger so that none is 0.

        Parameters
        ----------
        counts : (..., b) live rows a bin
        """
        actual, expected = _shares(counts), _shares(self._counts(self.bins))
        return np.asarray(((actual - expected) * np.log(actual / expected)).sum(axis=-1))

    def _usual(self, length: int) -> Floats:
        """PSI of every stretch of the training rows of this length, or of all of them where they are fewer."""
        held = self.bins[:, None] == np.arange(len(self.edges) + 1)
        sums = np.concatenate([np.zeros((1, held.shape[1])), np.cumsum(held, axis=0)])
        length = min(length, len(self.bins))
        return self._psi(sums[length:] - sums[:-length])


def training_values(arrays: Mapping[str, npt.NDArray[Any]], features: Sequence[Feature]) -> dict[str, TrainingValues]:
    """The features' distributions from the rows that travel in an artefact; none where it has no rows.

    Raises
    ------
    ArtefactError
        Where the rows are not what they should be.
    """
    if "rows/features" not in arrays:
        return {}
    rows = require_array(arrays, "rows/features", "float64", (None, len(features)), may_be_nan=True)
    known = ~np.isnan(rows)
    if (np.abs(rows[known]) > ABSURD).any():
        raise ArtefactError("the training rows hold values that no market has")
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
