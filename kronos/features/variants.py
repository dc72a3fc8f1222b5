"""Variants: the sets of features that new models are trained with, from the richest to the poorest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kronos.features.registry import Feature, FeatureId, current


@dataclass(frozen=True, slots=True)
class Variant:
    """A named set of features; a model has several, and the richest whose features are all known answers."""

    name: str
    features: tuple[Feature, ...]

    @property
    def feature_ids(self) -> tuple[FeatureId, ...]:
        """Names and revisions, in order."""
        return tuple(feature.id for feature in self.features)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(feature.name for feature in self.features)


MINIMAL_FEATURES = ("vix", "day_of_week", "expected_move_pct")
MARKET_FEATURES = (*MINIMAL_FEATURES, "vix_percentile_30d", "vix_change_1d", "price_change_1d", "win_rate_30d")
FULL_FEATURES = (
    *MARKET_FEATURES,
    "realised_5_over_implied",
    "realised_22_over_implied",
    "range_5_over_implied",
    "range_22_over_implied",
    "return_5",
    "drawdown_66",
    "holidays_ahead",
)


def _variant(name: str, features: tuple[str, ...]) -> Variant:
    return Variant(name, tuple(current(feature) for feature in features))


MINIMAL: Final = _variant("minimal", MINIMAL_FEATURES)
MARKET: Final = _variant("market", MARKET_FEATURES)
FULL: Final = _variant("full", FULL_FEATURES)
VARIANTS: Final = (FULL, MARKET, MINIMAL)
CURRENT_FEATURES: Final = tuple({feature.id: feature for variant in VARIANTS for feature in variant.features}.values())
"""Every feature of the variants, once, in order."""


def variant_named(name: str) -> Variant:
    """One of `VARIANTS`.

    Raises
    ------
    KeyError
    """
    return {variant.name: variant for variant in VARIANTS}[name]
