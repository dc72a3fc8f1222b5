"""The model as it is served: an artefact, checked and evaluated with NumPy alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from kronos.artefact import Artefact
from kronos.condor import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS, CondorSpec
from kronos.curve import GRID, CurveModel
from kronos.drift import TrainingValues, training_values
from kronos.errors import ArtefactError
from kronos.features import FEATURES, VARIANT_FEATURES, VARIANTS, Variant, schema_hash
from kronos.market import Floats
from kronos.packing import require_array, unpack
from kronos.policy import Policy

PROBE_TOLERANCE = 1e-9
MAX_PROBES = 1_000
REQUIRED_SCORES = ("sessions", "base_rate", "accuracy", "brier", "brier_skill", "log_loss", "auc", "ece", "ece_band")


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """One answer of a model.

    Attributes
    ----------
    probability, base_rate : at the multiplier asked for
    multipliers, curve, base_rates : (k,) over the grid; the curve is calibrated and never decreases
    base_log_odds : before calibration, of the training rows' median features; without skill, of the base rate
    contributions : by feature, signed; with the base they add up to the log-odds before calibration; without skill none
    out_of_domain : whether a feature lies outside its training range
    has_skill : False where the variant was no better than climatology out of sample: the curve is then the base rates
    """

    probability: float
    base_rate: float
    multipliers: Floats
    curve: Floats
    base_rates: Floats
    base_log_odds: float
    contributions: Mapping[str, float]
    out_of_domain: bool
    has_skill: bool

    @property
    def factors(self) -> Sequence[tuple[str, float]]:
        """The contributions, those that moved this probability most first."""
        return sorted(self.contributions.items(), key=lambda item: -abs(item[1]))


@dataclass(frozen=True, slots=True, eq=False)
class VariantModel:
    """One variant with what is needed to judge its answer.

    Attributes
    ----------
    lowest, highest, median : (k,) of the training rows, in the order of the variant's features
    brier_skill : out of sample, at multiplier 1.0
    """

    curve_model: CurveModel
    lowest: Floats
    highest: Floats
    median: Floats
    brier_skill: float

    def out_of_domain(self, features: Floats) -> bool:
        """Whether a feature lies outside its training range; one that never varied tells nothing."""
        outside = (features < self.lowest) | (features > self.highest)
        return bool((outside & (self.lowest < self.highest)).any())

    def explain(self, features: Floats, sd_multiplier: float) -> tuple[float, dict[str, float]]:
        """Split the log-odds before calibration into the median row's and one share a feature.

        Each share is the mean of what the feature changes when features are set one after the other, in the
        schema's order and in the reverse one (two orders of Castro et al. 2009).
        """
        count = len(features)
        from_first = np.tril(np.ones((count + 1, count), dtype=bool), -1)
        set_so_far = np.concatenate([from_first, from_first[:, ::-1]])
        path = np.where(set_so_far, features, self.median)
        low = int(np.clip(np.searchsorted(GRID, sd_multiplier, side="right") - 1, 0, len(GRID) - 2))
        share = (sd_multiplier - GRID[low]) / (GRID[low + 1] - GRID[low])
        pair = self.curve_model.log_odds(path, slice(low, low + 2))
        log_odds = pair[:, 0] + share * (pair[:, 1] - pair[:, 0])
        forward, backward = np.diff(log_odds[: count + 1]), np.diff(log_odds[count + 1 :])[::-1]
        names = VARIANT_FEATURES[self.curve_model.variant]
        shares = (forward + backward) / 2
        return float(log_odds[0]), {name: float(value) for name, value in zip(names, shares, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """All variants of one training.

    Attributes
    ----------
    base_rates : (len(SD_MULTIPLIERS),) win rates of the training window
    trained_through : the last session trained on
    training_values : the training distribution by feature; empty where the artefact carries no rows
    """

    manifest: Mapping[str, Any]
    spec: CondorSpec
    policy: Policy
    variants: Mapping[Variant, VariantModel]
    base_rates: Floats
    trained_through: date
    training_values: Mapping[str, TrainingValues]

    @classmethod
    def from_bytes(cls, content: bytes) -> Model:
        """Load an artefact.

        Raises
        ------
        ArtefactError
            Where the file is damaged, foreign or newer, its features are not ours, an array is out of bounds, or
            its probe rows do not give the probabilities that the manifest expects.
        """
        return cls.from_artefact(Artefact.from_bytes(content))

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Model:
        """Load an artefact that has been read; raises as `from_bytes` does."""
        manifest = artefact.manifest
        if manifest.get("feature_schema_sha256") != schema_hash():
            raise ArtefactError("the model was trained on other features than this version computes; train it anew")
        if manifest.get("sd_multipliers") != list(SD_MULTIPLIERS):
            raise ArtefactError("the model was trained on another grid of multipliers; train it anew")
        try:
            model = cls(
                manifest=manifest,
                spec=CondorSpec(**manifest["spec"]),
                policy=Policy(**manifest["policy"]),
                variants={variant: _variant(variant, artefact) for variant in VARIANTS},
                base_rates=require_array(artefact.arrays, "base_rates", "float64", (len(SD_MULTIPLIERS),)),
                trained_through=date.fromisoformat(manifest["training"]["last"]),
                training_values=training_values(artefact.arrays),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtefactError(f"the manifest cannot be understood: {error}") from error
        rates = model.base_rates
        if not ((rates > 0) & (rates < 1)).all() or (np.diff(rates) < 0).any():
            raise ArtefactError("the base rates are not probabilities that rise with the multiplier")
        model.require_probes_reproduced(artefact)
        model.require_probes_answered(artefact)
        return model

    @property
    def headline_metrics(self) -> dict[str, Any]:
        """The richest variant's scores at multiplier 1.0."""
        metrics: dict[str, Any] = dict(self.manifest["variants"][VARIANTS[0]]["metrics"])
        return metrics

    def predict(self, variant: Variant, values: Mapping[str, float], sd_multiplier: float) -> Prediction:
        """Answer for one entry.

        Parameters
        ----------
        values : every feature of the variant, by name
        sd_multiplier : within the grid; between its points the curve is linear
        """
        chosen = self.variants[variant]
        features = np.array([values[name] for name in VARIANT_FEATURES[variant]])
        has_skill = chosen.brier_skill > 0
        curve = chosen.curve_model.curve(features[None])[0] if has_skill else self.base_rates
        base_rate = float(np.interp(sd_multiplier, GRID, self.base_rates))
        explained = chosen.explain(features, sd_multiplier) if has_skill else (_log_odds(base_rate), {})
        base_log_odds, contributions = explained
        return Prediction(
            probability=float(np.interp(sd_multiplier, GRID, curve)),
            base_rate=base_rate,
            multipliers=GRID,
            curve=curve,
            base_rates=self.base_rates,
            base_log_odds=base_log_odds,
            contributions=contributions,
            out_of_domain=chosen.out_of_domain(features),
            has_skill=has_skill,
        )

    def require_probes_reproduced(self, artefact: Artefact) -> None:
        """Check that the probe rows give what was expected when the artefact was made.

        Raises
        ------
        ArtefactError
        """
        probes = _probes(artefact)
        for variant, chosen in self.variants.items():
            expected = require_array(
                artefact.arrays, f"probes/{variant}", "float64", (len(probes), len(SD_MULTIPLIERS))
            )
            columns = [FEATURES.index(name) for name in VARIANT_FEATURES[variant]]
            if np.abs(chosen.curve_model.curve(probes[:, columns]) - expected).max(initial=0) > PROBE_TOLERANCE:
                raise ArtefactError(f"variant {variant} does not reproduce its probe rows")

    def require_probes_answered(self, artefact: Artefact) -> None:
        """Check that every variant answers a probe row in full: curve, explanation and decision.

        Raises
        ------
        ArtefactError
        """
        values = dict(zip(FEATURES, _probes(artefact)[0], strict=True))
        for variant in VARIANTS:
            prediction = self.predict(variant, values, DEFAULT_SD_MULTIPLIER)
            decision = self.policy.decide(
                prediction.probability, prediction.base_rate, prediction.multipliers, prediction.curve
            )
            said = [prediction.probability, prediction.base_log_odds, *prediction.contributions.values()]
            if not np.isfinite([*said, decision.suggested_risk_pct]).all():
                raise ArtefactError(f"variant {variant} does not answer its probe rows")


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _probes(artefact: Artefact) -> Floats:
    probes = require_array(artefact.arrays, "probes/features", "float64", (None, len(FEATURES)))
    if not 0 < len(probes) <= MAX_PROBES:
        raise ArtefactError(f"an artefact has 1 to {MAX_PROBES} probe rows")
    return probes


def _skill(metrics: Mapping[str, Any]) -> float:
    """The skill that decides whether a variant may speak.

    Raises
    ------
    ArtefactError
        Where a score is missing or is no finite number.
    """
    for name in REQUIRED_SCORES:
        value = metrics.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
            raise ArtefactError(f"the manifest's {name} is not a number")
    return float(metrics["brier_skill"])


def _variant(variant: Variant, artefact: Artefact) -> VariantModel:
    values = artefact.manifest["variants"][variant]
    count = len(VARIANT_FEATURES[variant])
    summary = require_array(artefact.arrays, f"{variant}/feature_summary", "float64", (3, count))
    return VariantModel(
        curve_model=unpack(variant, artefact.arrays, values),
        lowest=summary[0],
        highest=summary[1],
        median=summary[2],
        brier_skill=_skill(values["metrics"]),
    )
