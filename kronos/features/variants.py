"""Variants: the sets of features that new models are trained on, from the richest to the poorest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

from kronos.features.registry import Feature, VariantName, current, declared


@dataclass(frozen=True, slots=True)
class Variant:
    """A named set of features. A model has several; the richest one whose features are all known answers."""

    name: str
    features: tuple[Feature, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(feature.name for feature in self.features)


FROM_THE_POOREST: Final = get_args(VariantName)
FIRST_COLUMNS: Final = (
    "vix",
    "day_of_week",
    "expected_move_pct",
    "vix_percentile_30d",
    "vix_change_1d",
    "price_change_1d",
    "win_rate_30d",
    "realised_5_over_implied",
    "realised_22_over_implied",
    "range_5_over_implied",
    "range_22_over_implied",
    "return_5",
    "drawdown_66",
    "holidays_ahead",
)
"""The first features keep their order, so that the same history gives the same model; later ones follow."""


def _variant(name: VariantName) -> Variant:
    """The newest revisions of the features declared for this variant or a poorer one."""
    poorer = FROM_THE_POOREST[: FROM_THE_POOREST.index(name) + 1]
    names = dict.fromkeys((*FIRST_COLUMNS, *(feature.name for feature in declared())))
    return Variant(name, tuple(feature for feature in map(current, names) if feature.variant in poorer))


MINIMAL: Final = _variant("minimal")
MARKET: Final = _variant("market")
FULL: Final = _variant("full")
VARIANTS: Final = (FULL, MARKET, MINIMAL)
CURRENT_FEATURES: Final = tuple({feature.id: feature for variant in VARIANTS for feature in variant.features}.values())
"""Every feature of these variants, once each, in order."""


def variant_named(name: str) -> Variant:
    """One of `VARIANTS`.

    Raises
    ------
    KeyError
    """
    return {variant.name: variant for variant in VARIANTS}[name]
