"""Read a model's variants from the manifest and arrays of an artefact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kronos.errors import ArtefactError
from kronos.features.registry import Feature, FeatureId, features_of
from kronos.features.variants import Variant
from kronos.market.history import Floats
from kronos.model.artefact import Artefact
from kronos.model.packing import require_array, unpack
from kronos.model.variant_model import VariantModel
from kronos.statistics.scores import SCORES


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


def unpack_variants(
    listed: Sequence[Mapping[str, Any]], known: tuple[Feature, ...], multipliers: Floats, artefact: Artefact
) -> dict[str, VariantModel]:
    """The variants that a manifest lists, by name and in its order.

    Parameters
    ----------
    known : the features that the artefact's probes hold

    Raises
    ------
    ArtefactError
    """
    named = {values["name"]: Variant(str(values["name"]), features_in(values["features"])) for values in listed}
    found = {}
    for values in listed:
        base = values.get("corrects")
        variant = replace(named[values["name"]], corrects=None if base is None else named[base])
        found[variant.name] = _variant_model(variant, values, known, multipliers, artefact)
    return found


def _variant_model(
    variant: Variant,
    values: Mapping[str, Any],
    known: tuple[Feature, ...],
    multipliers: Floats,
    artefact: Artefact,
) -> VariantModel:
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
        metrics=_checked_metrics(values["metrics"]),
        skill=_skills(values.get("skill_by_multiplier"), len(multipliers)),
    )


def _skills(stated: Any, count: int) -> Floats:
    """(count,) skills, or NaN where nothing is stated.

    Raises
    ------
    ArtefactError
    """
    skills = np.full(count, np.nan) if stated is None else np.array(stated, dtype=np.float64)
    if skills.shape != (count,) or (stated is not None and not np.isfinite(skills).all()):
        raise ArtefactError(f"the manifest's skill_by_multiplier is not {count} numbers")
    return skills


def _checked_metrics(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
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
