"""Variants: the sets of features that new models are trained on, from the richest to the poorest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kronos.features.registry import Feature, VariantName, current, declared


@dataclass(frozen=True, slots=True)
class Variant:
    """A named set of features. A model has several; the richest one whose features are all known answers.

    Attributes
    ----------
    features : for a correction, those of the variant that it corrects come first
    corrects : the variant whose log-odds this one corrects, drawn to no correction; None if it stands on its own
    """

    name: str
    features: tuple[Feature, ...]
    corrects: Variant | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def base(self) -> Variant:
        """The variant that it corrects, or itself."""
        return self if self.corrects is None else self.corrects

    @property
    def added(self) -> tuple[Feature, ...]:
        """The features that a correction adds; all of them if it corrects nothing."""
        return self.features[0 if self.corrects is None else len(self.corrects.features) :]


GUIDE_ORDER: Final = (
    "vix",
    "day_of_week",
    "expected_move_pct",
    "vix_percentile_30d",
    "vix_change_1d",
    "price_change_1d",
    "win_rate_30d",
)
"""The guide's features come first, in the guide's order; the others follow in the order of declaration."""


def _declared_for(name: VariantName) -> tuple[Feature, ...]:
    """The newest revisions of the features declared for a variant."""
    names = dict.fromkeys((*GUIDE_ORDER, *(feature.name for feature in declared())))
    return tuple(feature for feature in map(current, names) if name in feature.variants)


MINIMAL: Final = Variant("minimal", _declared_for("minimal"))
MARKET: Final = Variant("market", _declared_for("market"))
FULL: Final = Variant("full", _declared_for("full"))
TERM: Final = Variant("term", FULL.features + _declared_for("term"), corrects=FULL)
SHORT_DATED: Final = Variant("short_dated", tuple(map(current, ("vix9d_over_vix",))))
"""What VIX9D alone implies: a reference, never served."""
VARIANTS: Final = (TERM, FULL, MARKET, MINIMAL)
CURRENT_FEATURES: Final = tuple({feature.id: feature for variant in VARIANTS for feature in variant.features}.values())
"""Every feature of these variants, once each, in order."""


def variant_named(name: str) -> Variant:
    """One of `VARIANTS`.

    Raises
    ------
    KeyError
    """
    return {variant.name: variant for variant in VARIANTS}[name]
