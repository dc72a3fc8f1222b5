"""What a model says about one entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kronos.market.history import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The calibrated curve and its value at the multiplier asked for: all that a policy needs.

    Attributes
    ----------
    probability, base_rate : at the multiplier asked for, 0 to 1
    multipliers : (k,) ascending
    curve, base_rates : (k,) values at each multiplier; the curve never decreases
    """

    probability: float
    base_rate: float
    multipliers: Floats
    curve: Floats
    base_rates: Floats

    @classmethod
    def at(cls, sd_multiplier: float, multipliers: Floats, curve: Floats, base_rates: Floats) -> Prediction:
        """Read the curve and the base rates at a multiplier, linearly between their points."""
        probability, base_rate = (float(np.interp(sd_multiplier, multipliers, of)) for of in (curve, base_rates))
        return cls(probability, base_rate, multipliers, curve, base_rates)


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedPrediction(Prediction):
    """A prediction with its explanation.

    Attributes
    ----------
    base_log_odds : log-odds before calibration at the training rows' median features; without skill, of the base rate
    contributions : signed, by feature; added to the base they give the log-odds before calibration; empty without skill
    out_of_domain : whether a feature lies clearly outside its training range
    has_skill : False if no variant that could answer was better than climatology; the curve is then the base rates
    has_skill_here : whether it was better at the multiplier asked for
    """

    base_log_odds: float
    contributions: Mapping[str, float]
    out_of_domain: bool
    has_skill: bool
    has_skill_here: bool

    @property
    def factors(self) -> Sequence[tuple[str, float]]:
        """The contributions, largest first."""
        return sorted(self.contributions.items(), key=lambda item: -abs(item[1]))
