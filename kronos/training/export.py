"""Train all variants on everything and write the artefact, with its out-of-sample scores inside."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kronos.artefact import Artefact
from kronos.condor import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS, CondorSpec
from kronos.curve import CurveModel
from kronos.features import VARIANTS, Variant, schema_hash
from kronos.packing import pack
from kronos.policy import Policy
from kronos.scores import Scores, score
from kronos.training.calibrate import fit_calibrator
from kronos.training.fit import fit_logistic, fit_trees
from kronos.training.out_of_fold import OutOfFold, base_rates, walk_forward
from kronos.training.progress import Phases, silent
from kronos.training.recipe import DEFAULT_RECIPE, Recipe
from kronos.training.rows import TrainingRows, row_arrays

LIBRARIES = ("numpy", "scikit-learn", "scipy")
PROBES = 8
TRAINING: dict[Variant, str] = {variant: f"training {variant}" for variant in VARIANTS}
AT_ONE = SD_MULTIPLIERS.index(DEFAULT_SD_MULTIPLIER)


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """The artefact of a training and the out-of-sample evidence behind it."""

    artefact: Artefact
    out_of_fold: Mapping[Variant, OutOfFold]
    scores: Mapping[Variant, Scores]

    @property
    def headline_metrics(self) -> dict[str, Any]:
        """The richest variant's scores at multiplier 1.0."""
        return self.scores[VARIANTS[0]].as_dict()


def train(
    rows: TrainingRows,
    spec: CondorSpec,
    *,
    policy: Policy | None = None,
    recipe: Recipe = DEFAULT_RECIPE,
    jobs: int = 1,
    progress: Phases = silent,
) -> TrainedModel:
    """Train the three variants; the same rows and recipe give the same artefact, byte for byte.

    Parameters
    ----------
    rows : in order of time
    progress : told of a phase for each variant, named as in `TRAINING`, and of its folds

    Raises
    ------
    TrainingRefusedError
        Where a variant has too few sessions or losses.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    variants: dict[str, Any] = {}
    out_of_fold: dict[Variant, OutOfFold] = {}
    scores: dict[Variant, Scores] = {}
    probes = _probes(rows)
    for variant in VARIANTS:
        tell = progress(TRAINING[variant])
        tested = walk_forward(rows, variant, spec.horizon_sessions, recipe, jobs=jobs, progress=tell)
        scored = tested.scored()
        out_of_fold[variant] = tested
        scores[variant] = score(
            tested.probability[scored, AT_ONE],
            tested.climatology[scored, AT_ONE],
            tested.rows.labels[scored, AT_ONE],
        )
        model = fit_variant(rows, variant, tested, recipe)
        packed, values = pack(model)
        features = rows.take(rows.complete(variant)).for_variant(variant)
        arrays |= packed
        arrays[f"{variant}/feature_summary"] = np.array(
            [features.min(axis=0), features.max(axis=0), np.median(features, axis=0)]
        )
        arrays[f"probes/{variant}"] = model.curve(probes.for_variant(variant))
        variants[variant] = {**values, "metrics": scores[variant].as_dict()}
    arrays |= {"base_rates": base_rates(_complete(rows).labels)[0], "probes/features": probes.features}
    arrays |= row_arrays(rows)
    manifest = _manifest(rows, spec, policy or Policy(), recipe, variants)
    return TrainedModel(Artefact(manifest, arrays), out_of_fold, scores)


def fit_variant(rows: TrainingRows, variant: Variant, tested: OutOfFold, recipe: Recipe) -> CurveModel:
    """The model that ships: fitted on all complete rows, calibrated on all out-of-fold predictions."""
    complete = rows.take(rows.complete(variant))
    logistic = fit_logistic(complete, variant, recipe)
    trees = fit_trees(complete, variant, logistic, recipe)
    calibrator = fit_calibrator(tested.rows.sessions, tested.log_odds, tested.rows.labels, recipe)
    return CurveModel(variant, logistic, trees, calibrator)


def _manifest(
    rows: TrainingRows, spec: CondorSpec, policy: Policy, recipe: Recipe, variants: Mapping[str, Any]
) -> dict[str, Any]:
    complete = _complete(rows)
    return {
        "spec": asdict(spec),
        "policy": asdict(policy),
        "recipe": asdict(recipe),
        "feature_schema_sha256": schema_hash(),
        "sd_multipliers": list(SD_MULTIPLIERS),
        "training": {
            "first": str(rows.sessions[0]),
            "last": str(rows.sessions[rows.from_the_market()][-1]),
            "sessions": len(rows),
            "losses": [int(count) for count in (complete.labels == 0).sum(axis=0)],
            "data_sha256": fingerprint(rows),
        },
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "variants": variants,
    }


def fingerprint(rows: TrainingRows) -> str:
    """SHA-256 of the training rows."""
    digest = hashlib.sha256()
    for name, array in sorted(row_arrays(rows).items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _complete(rows: TrainingRows) -> TrainingRows:
    return rows.take(rows.complete(VARIANTS[-1]))


def _probes(rows: TrainingRows) -> TrainingRows:
    """A handful of complete rows, evenly over time."""
    complete = np.flatnonzero(rows.complete(VARIANTS[0]))
    return rows.take(complete[np.linspace(0, len(complete) - 1, min(PROBES, len(complete))).astype(int)])
