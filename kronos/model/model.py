"""The model as served: an artefact, checked and then evaluated with NumPy alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from kronos.condor.spec import DEFAULT_SD_MULTIPLIER, CondorSpec
from kronos.condor.strikes import expected_move
from kronos.errors import ArtefactError, UnknownFeatureError
from kronos.features.registry import HEADLINE, Feature
from kronos.features.variants import Variant
from kronos.market.history import Floats
from kronos.model.artefact import Artefact
from kronos.model.drift import TrainingValues, training_values
from kronos.model.fair_value import FairValue
from kronos.model.formats import FIRST_WITH_REGISTRY, in_newest_format
from kronos.model.log_odds import logit
from kronos.model.loss_shape import USUAL_EXCESS, LossShape
from kronos.model.packing import require_array
from kronos.model.policy import Policy
from kronos.model.prediction import ExplainedPrediction, Prediction
from kronos.model.probes import Probes, unpack_probes
from kronos.model.unpack_variants import features_in, unpack_variants
from kronos.model.variant_model import VariantModel

CURVE_TOLERANCE = 1e-9
MAX_MULTIPLIERS = 100
LARGEST_EXCESS = 10.0


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
    loss_shape : how losses divide between the sides, and how far they go beyond the curve's end
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
    loss_shape: LossShape
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
            policy=Policy.read(manifest["policy"]),
            features=features,
            multipliers=multipliers,
            variants=unpack_variants(manifest["variants"], features, multipliers, artefact),
            base_rates=require_array(artefact.arrays, "base_rates", "float64", (len(multipliers),)),
            loss_shape=_loss_shape(manifest, multipliers),
            trained_through=date.fromisoformat(manifest["training"]["last"]),
            training_values=training_values(artefact.arrays, features),
        )
        rates = model.base_rates
        if not ((rates > 0) & (rates < 1)).all() or (np.diff(rates) < 0).any():
            raise ArtefactError("the base rates are not probabilities that never fall along the multipliers")
        if not model.variants:
            raise ArtefactError("the manifest names no variant")
        if not manifest["training"]["sessions"] > 0:
            raise ArtefactError("the manifest does not say on how many sessions the model was trained")
        probes = unpack_probes(artefact.arrays, features, with_bars=artefact.manifest["format"] >= FIRST_WITH_REGISTRY)
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
        """The scores at multiplier 1.0 of the variant that figures of the whole model are about."""
        headline = HEADLINE if HEADLINE in self.variants else self.richest.name
        return dict(self.variants[headline].metrics)

    def answering(self, values: Mapping[str, float], silenced: Collection[str] = ()) -> Variant:
        """The richest variant whose features are all known and which has skill; the richest known one if none has.

        Parameters
        ----------
        silenced : variants that have lost their skill since training

        Raises
        ------
        ArtefactError
            If not even the poorest variant can answer.
        """
        known = [one for one in self.variants.values() if all(name in values for name in one.variant.feature_names)]
        if not known:
            raise ArtefactError(f"no variant of the model can answer from {', '.join(sorted(values))}")
        skilled = (one for one in known if one.has_skill and one.variant.name not in silenced)
        return next(skilled, known[0]).variant

    def predict(
        self, variant: str, values: Mapping[str, float], sd_multiplier: float, silenced: Collection[str] = ()
    ) -> ExplainedPrediction:
        """Answer for one entry.

        Parameters
        ----------
        values : every feature of the variant, by name
        sd_multiplier : within the grid; the curve is linear between its points
        silenced : variants that have lost their skill since training; for one of them the base rates answer
        """
        chosen = self.variants[variant]
        features = np.array([values[name] for name in chosen.variant.feature_names])
        has_skill = chosen.has_skill and variant not in silenced
        curve = chosen.curve_model.curve(features[None])[0] if has_skill else self.base_rates
        read = Prediction.at(sd_multiplier, self.multipliers, curve, self.base_rates)
        explained = chosen.explain(features, sd_multiplier) if has_skill else (logit(read.base_rate), {})
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
            has_skill=has_skill,
            has_skill_here=chosen.has_skill_at(sd_multiplier),
        )

    def fair_value(self, prediction: Prediction, price: float, vix: float) -> FairValue | None:
        """What the condors of one entry are worth; None for those that are not held to settlement.

        Parameters
        ----------
        price, vix : at entry
        """
        if self.spec.management != "hold":
            return None
        move = expected_move(price, vix, self.spec.horizon_sessions)
        return FairValue(prediction.multipliers, prediction.curve, self.loss_shape, move)

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


def _loss_shape(manifest: Mapping[str, Any], multipliers: Floats) -> LossShape:
    """The shape that the manifest states; where it does not, even sides and the usual excess.

    Raises
    ------
    ArtefactError
    """
    count = len(multipliers)
    shares = np.array(manifest.get("put_share") or [0.5] * count, dtype=np.float64)
    if shares.shape != (count,) or not ((shares >= 0) & (shares <= 1)).all():
        raise ArtefactError(f"the manifest's put_share is not {count} numbers from 0 to 1")
    stated = dict(manifest.get("tail_excess") or {})
    put, call = (float(stated.get(side, USUAL_EXCESS)) for side in ("put", "call"))
    if not (0 < put <= LARGEST_EXCESS and 0 < call <= LARGEST_EXCESS):
        raise ArtefactError(f"the manifest's tail_excess is not two numbers above 0 and up to {LARGEST_EXCESS}")
    return LossShape(multipliers, shares, put, call)
