"""One variant of a model, with what is needed to judge and explain its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kronos.features.variants import Variant
from kronos.market.history import Floats
from kronos.model.curve import CurveModel

CLEARLY_OUTSIDE = 0.25
"""A feature is out of its domain where it lies beyond its training range by this share of the range."""


@dataclass(frozen=True, slots=True, eq=False)
class VariantModel:
    """A curve model with the ranges of its training rows and its out-of-sample scores.

    Attributes
    ----------
    lowest, highest, median : (features,) of the training rows
    metrics : out-of-sample scores at multiplier 1.0
    skill : (k,) out-of-sample Brier skill at each multiplier; NaN where the artefact does not say
    """

    curve_model: CurveModel
    lowest: Floats
    highest: Floats
    median: Floats
    metrics: Mapping[str, Any]
    skill: Floats

    @property
    def variant(self) -> Variant:
        """Its name and features."""
        return self.curve_model.variant

    @property
    def has_skill(self) -> bool:
        """Whether it was better than climatology out of sample, and not worse, beyond chance, than the recent one."""
        interval = self.metrics.get("brier_skill_recent_interval")
        return float(self.metrics["brier_skill"]) > 0 and (interval is None or interval[1] >= 0)

    def has_skill_at(self, sd_multiplier: float) -> bool:
        """Whether it was better than climatology at this multiplier; so it is taken where that is not known."""
        return not float(np.interp(sd_multiplier, self.curve_model.multipliers, self.skill)) <= 0

    def out_of_domain(self, features: Floats) -> bool:
        """Whether a feature lies clearly outside its training range; features that never varied are ignored."""
        width = self.highest - self.lowest
        margin = CLEARLY_OUTSIDE * width
        outside = (features < self.lowest - margin) | (features > self.highest + margin)
        return bool((outside & (width > 0)).any())

    def explain(self, features: Floats, sd_multiplier: float) -> tuple[float, dict[str, float]]:
        """Split the log-odds before calibration into those of the median row and one contribution per feature.

        The features are set to their values one after the other, once in the variant's order and once in reverse. A
        feature's contribution is the mean of the two changes that setting it makes (Castro et al. 2009, with two of
        the possible orders).
        """
        grid, count = self.curve_model.multipliers, len(features)
        from_first = np.tril(np.ones((count + 1, count), dtype=bool), -1)
        set_so_far = np.concatenate([from_first, from_first[:, ::-1]])
        path = np.where(set_so_far, features, self.median)
        low = int(np.clip(np.searchsorted(grid, sd_multiplier, side="right") - 1, 0, len(grid) - 2))
        share = float(np.clip((sd_multiplier - grid[low]) / (grid[low + 1] - grid[low]), 0, 1))
        pair = self.curve_model.log_odds(path, slice(low, low + 2))
        log_odds = pair[:, 0] + share * (pair[:, 1] - pair[:, 0])
        forward, backward = np.diff(log_odds[: count + 1]), np.diff(log_odds[count + 1 :])[::-1]
        shares = (forward + backward) / 2
        names = self.variant.feature_names
        return float(log_odds[0]), {name: float(value) for name, value in zip(names, shares, strict=True)}
