"""The model as served: an artefact, checked and then evaluated with NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from kronos.condor.spec import DEFAULT_SD_MULTIPLIER, CondorSpec
from kronos.errors import ArtefactError, UnknownFeatureError
from kronos.features.registry import Feature, FeatureId, features_of
from kronos.features.variants import Variant
from kronos.market.history import Floats
from kronos.model.artefact import Artefact
from kronos.model.drift import TrainingValues, training_values
from kronos.model.formats import NEWEST_FORMAT, in_newest_format
from kronos.model.log_odds import logit
from kronos.model.packing import require_array, unpack
from kronos.model.policy import Policy
from kronos.model.prediction import ExplainedPrediction, Prediction
from kronos.model.probes import Probes, unpack_probes
from kronos.model.variant_model import VariantModel
from kronos.statistics.scores import SCORES

CURVE_TOLERANCE = 1e-9
MAX_MULTIPLIERS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """All variants of one training run.

    Attributes
    ----------
    manifest : in the newest form, whatever the artefact's format
    features : the features of all variants, once each
    multipliers : (k,) the points of the curve
    variants : by name, richest first
    base_rates : (k,) win rates in the training window
    trained_through : the last session trained on
    training_values : the training distribution of each feature; empty if the artefact carries no rows
    """

    manifest: Mapping[str, Any]
    spec: CondorSpec
    policy: Policy
    features: tuple[Feature, ...]
    multipliers: Floats
    variants: Mapping[str, VariantModel]
    base_rates: Floats
    trained_through: date
    training_values: Mapping[str, TrainingValues]

    @classmethod
    def from_bytes(cls, content: bytes) -> Model:
        """Load an artefact.

        Raises
        ------
        ArtefactError
            If the file is damaged, foreign or too new, one of its features is unknown here, an array is out of bounds,
            or its probes are not reproduced.
        """
        return cls.from_artefact(Artefact.from_bytes(content))

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Model:
        """Load an artefact that has already been read; raises the same errors as `from_bytes`."""
        manifest = in_newest_format(artefact.manifest)
        try:
            return cls._checked(artefact, manifest)
        except UnknownFeatureError as error:
            raise ArtefactError(f"{error}: upgrade the advisor, or train the model again") from error
        except (KeyError, TypeError, ValueError) as error:
            raise ArtefactError(f"the manifest cannot be understood: {error}") from error

    @classmethod
    def _checked(cls, artefact: Artefact, manifest: Mapping[str, Any]) -> Model:
        features, multipliers = features_in(manifest["features"]), multipliers_in(manifest)
        model = cls(
            manifest=manifest,
            spec=CondorSpec(**manifest["spec"]),
            policy=Policy(**manifest["policy"]),
            features=features,
            multipliers=multipliers,
            variants={
                values["name"]: _variant(values, features, multipliers, artefact) for values in manifest["variants"]
            },
            base_rates=require_array(artefact.arrays, "base_rates", "float64", (len(multipliers),)),
            trained_through=date.fromisoformat(manifest["training"]["last"]),
            training_values=training_values(artefact.arrays, features),
        )
        rates = model.base_rates
        if not ((rates > 0) & (rates < 1)).all() or (np.diff(rates) < 0).any():
            raise ArtefactError("the base rates are not probabilities that never fall along the multipliers")
        if not model.variants:
            raise ArtefactError("the manifest names no variant")
        probes = unpack_probes(artefact.arrays, features, with_bars=artefact.manifest["format"] == NEWEST_FORMAT)
        probes.require_reproduced(model.spec, features)
        model.require_curves_reproduced(artefact, probes)
        model.require_probes_answered(probes)
        return model

    @property
    def richest(self) -> Variant:
        """The variant with the most features."""
        return next(iter(self.variants.values())).variant

    @property
    def poorest(self) -> Variant:
        """The variant that answers when nothing but the request is known."""
        return list(self.variants.values())[-1].variant

    @property
    def headline_metrics(self) -> dict[str, Any]:
        """The richest variant's scores at multiplier 1.0."""
        return dict(self.variants[self.richest.name].metrics)

    def answering(self, values: Mapping[str, float]) -> Variant:
        """The richest variant whose features are all known.

        Raises
        ------
        ArtefactError
            If not even the poorest variant can answer.
        """
        for served in self.variants.values():
            if all(name in values for name in served.variant.feature_names):
                return served.variant
        raise ArtefactError(f"no variant of the model can answer from {', '.join(sorted(values))}")

    def predict(self, variant: str, values: Mapping[str, float], sd_multiplier: float) -> ExplainedPrediction:
        """Answer for one entry.

        Parameters
        ----------
        values : every feature of the variant, by name
        sd_multiplier : within the grid; the curve is linear between its points
        """
        chosen = self.variants[variant]
        features = np.array([values[name] for name in chosen.variant.feature_names])
        curve = chosen.curve_model.curve(features[None])[0] if chosen.has_skill else self.base_rates
        read = Prediction.at(sd_multiplier, self.multipliers, curve, self.base_rates)
        explained = chosen.explain(features, sd_multiplier) if chosen.has_skill else (logit(read.base_rate), {})
        base_log_odds, contributions = explained
        return ExplainedPrediction(
            probability=read.probability,
            base_rate=read.base_rate,
            multipliers=read.multipliers,
            curve=read.curve,
            base_rates=read.base_rates,
            base_log_odds=base_log_odds,
            contributions=contributions,
            out_of_domain=chosen.out_of_domain(features),
            has_skill=chosen.has_skill,
        )

    def served_curves(self, variant: str, features: Floats) -> Floats:
        """(n, k) curves as served for (n, features of the variant); the base rates if the variant has no skill."""
        chosen = self.variants[variant]
        if not chosen.has_skill or not len(features):
            return np.tile(self.base_rates, (len(features), 1))
        return chosen.curve_model.curve(features)

    def require_curves_reproduced(self, artefact: Artefact, probes: Probes) -> None:
        """Check that the probes still give the curves that they gave when the artefact was made.

        Raises
        ------
        ArtefactError
        """
        shape = (len(probes.values), len(self.multipliers))
        for name, served in self.variants.items():
            expected = require_array(artefact.arrays, f"probes/{name}", "float64", shape)
            columns = [self.features.index(feature) for feature in served.variant.features]
            found = served.curve_model.curve(probes.values[:, columns])
            if not np.abs(found - expected).max(initial=0) <= CURVE_TOLERANCE:
                raise ArtefactError(f"variant {name} does not reproduce its probes")

    def require_probes_answered(self, probes: Probes) -> None:
        """Check that every variant answers a probe completely: curve, explanation and decision.

        Raises
        ------
        ArtefactError
        """
        values = dict(zip((feature.name for feature in self.features), probes.values[0], strict=True))
        for name in self.variants:
            prediction = self.predict(name, values, DEFAULT_SD_MULTIPLIER)
            decision = self.policy.decide(prediction)
            said = [prediction.probability, prediction.base_log_odds, *prediction.contributions.values()]
            if not np.isfinite([*said, decision.suggested_risk_pct]).all():
                raise ArtefactError(f"variant {name} does not answer its probes")


def features_in(named: Any) -> tuple[Feature, ...]:
    """The features that a manifest lists by name and revision.

    Raises
    ------
    UnknownFeatureError
    ValueError
        If a feature is named twice, or an entry is not a name and a revision.
    """
    identities = [FeatureId(str(name), int(revision)) for name, revision in named]
    if len({identity.name for identity in identities}) < len(identities):
        raise ValueError("a feature is named twice")
    return features_of(identities)


def multipliers_in(manifest: Mapping[str, Any]) -> Floats:
    """The (k,) multipliers that a manifest lists.

    Raises
    ------
    ArtefactError
        If they are not ascending numbers above 0.
    """
    multipliers = np.array(manifest["sd_multipliers"], dtype=np.float64)
    if multipliers.ndim != 1 or not 2 <= len(multipliers) <= MAX_MULTIPLIERS or not np.isfinite(multipliers).all():
        raise ArtefactError(f"the manifest's multipliers are not 2 to {MAX_MULTIPLIERS} numbers")
    if multipliers[0] <= 0 or (np.diff(multipliers) <= 0).any():
        raise ArtefactError("the manifest's multipliers are not ascending numbers above 0")
    return multipliers


def _variant(
    values: Mapping[str, Any], known: tuple[Feature, ...], multipliers: Floats, artefact: Artefact
) -> VariantModel:
    variant = Variant(str(values["name"]), features_in(values["features"]))
    strangers = [feature.name for feature in variant.features if feature not in known]
    if strangers:
        raise ArtefactError(f"variant {variant.name} uses {strangers[0]}, which the artefact's probes lack")
    shape = (3, len(variant.features))
    summary = require_array(artefact.arrays, f"{variant.name}/feature_summary", "float64", shape)
    return VariantModel(
        curve_model=unpack(variant, multipliers, artefact.arrays, values),
        lowest=summary[0],
        highest=summary[1],
        median=summary[2],
        metrics=checked_metrics(values["metrics"]),
    )


def checked_metrics(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """A variant's scores. Any may be missing except the skill, which decides which variant answers.

    Raises
    ------
    ArtefactError
        If the skill is missing, or a score is not a finite number.
    """
    if metrics.get("brier_skill") is None:
        raise ArtefactError("the manifest's brier_skill is not a number")
    for name in ("sessions", "base_rate", *(score.name for score in SCORES)):
        value = metrics.get(name)
        numbers = value if isinstance(value, list | tuple) else [] if value is None else [value]
        if not all(type(number) in {int, float} and np.isfinite(number) for number in numbers):
            raise ArtefactError(f"the manifest's {name} is not a number")
    return metrics
