"""Train all variants on all rows, and make the artefact with its out-of-sample scores inside."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kronos.condor.spec import DEFAULT_COLUMN, SD_MULTIPLIERS, CondorSpec
from kronos.features.variants import FULL, MINIMAL, VARIANTS
from kronos.market.history import MarketHistory
from kronos.market.sessions import as_date
from kronos.model.artefact import Artefact
from kronos.model.formats import NEWEST_FORMAT
from kronos.model.packing import pack
from kronos.model.policy import Policy
from kronos.model.probes import COUNT, Probes
from kronos.progress import Phases, silent
from kronos.statistics.scores import Scores, score
from kronos.training.estimator import CurveEstimator, walk_variant
from kronos.training.recipe import DEFAULT_RECIPE, Recipe
from kronos.training.rows import TrainingRows, feature_list, row_arrays
from kronos.training.walk_forward import Predictions, base_rates

LIBRARIES = ("numpy", "scikit-learn", "scipy")
TRAINING = {variant.name: f"training {variant.name}" for variant in VARIANTS}


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """The artefact of a training run, and the out-of-sample evidence for it by variant."""

    artefact: Artefact
    predictions: Mapping[str, Predictions]
    scores: Mapping[str, Scores]

    @property
    def headline_metrics(self) -> dict[str, Any]:
        """The richest variant's scores at multiplier 1.0."""
        return self.scores[FULL.name].as_dict()


def train(
    rows: TrainingRows,
    spec: CondorSpec,
    history: MarketHistory | None = None,
    *,
    policy: Policy | None = None,
    recipe: Recipe = DEFAULT_RECIPE,
    jobs: int = 1,
    progress: Phases = silent,
) -> TrainedModel:
    """Train the three variants. The same rows, history and recipe give the same artefact, byte for byte.

    Parameters
    ----------
    rows : in time order
    history : the bars that the rows came from, for the artefact's probes; without it the probes use made-up bars
    progress : called with a phase for each variant, named as in `TRAINING`, and with its folds

    Raises
    ------
    TrainingRefusedError
        If a variant has too few sessions or losses.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    variants: list[dict[str, Any]] = []
    predictions: dict[str, Predictions] = {}
    scores: dict[str, Scores] = {}
    probes = _probes(rows, spec, history)
    for variant in VARIANTS:
        tell = progress(TRAINING[variant.name])
        tested = walk_variant(rows, variant, spec.horizon_sessions, recipe, jobs=jobs, progress=tell).predictions
        scored = tested.scored()
        predictions[variant.name] = tested
        scores[variant.name] = score(
            tested.probability[scored, DEFAULT_COLUMN],
            tested.climatology[scored, DEFAULT_COLUMN],
            tested.rows.labels[scored, DEFAULT_COLUMN],
        )
        model = CurveEstimator(variant, recipe).fit(rows, tested)
        packed, values = pack(model)
        features = rows.take(rows.complete(variant)).of_variant(variant)
        arrays |= packed
        arrays[f"{variant.name}/feature_summary"] = np.array(
            [features.min(axis=0), features.max(axis=0), np.median(features, axis=0)]
        )
        columns = [rows.known.index(feature) for feature in variant.features]
        arrays[f"probes/{variant.name}"] = model.curve(probes.values[:, columns])
        named = {"name": variant.name, "features": feature_list(variant.features)}
        variants.append({**named, **values, "metrics": scores[variant.name].as_dict()})
    arrays |= {"base_rates": base_rates(_complete(rows).labels)[0], **probes.arrays(), **row_arrays(rows)}
    manifest = _manifest(rows, spec, policy or Policy(), recipe, variants)
    return TrainedModel(Artefact(manifest, arrays), predictions, scores)


def _manifest(
    rows: TrainingRows, spec: CondorSpec, policy: Policy, recipe: Recipe, variants: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    complete = _complete(rows)
    return {
        "format": NEWEST_FORMAT,
        "spec": asdict(spec),
        "policy": asdict(policy),
        "recipe": asdict(recipe),
        "sd_multipliers": list(SD_MULTIPLIERS),
        "features": feature_list(rows.known),
        "variants": list(variants),
        "training": {
            "first": str(rows.sessions[0]),
            "last": str(rows.sessions[rows.from_the_market()][-1]),
            "sessions": len(rows),
            "losses": [int(count) for count in (complete.labels == 0).sum(axis=0)],
            "data_sha256": fingerprint(rows),
        },
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def fingerprint(rows: TrainingRows) -> str:
    """SHA-256 of the training rows."""
    digest = hashlib.sha256(repr(feature_list(rows.known)).encode())
    for name, array in sorted(row_arrays(rows).items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _complete(rows: TrainingRows) -> TrainingRows:
    return rows.take(rows.complete(MINIMAL))


def _probes(rows: TrainingRows, spec: CondorSpec, history: MarketHistory | None) -> Probes:
    """Probes at a few complete rows that the history has bars for, spread evenly over time."""
    stored = np.empty(0, "datetime64[D]") if history is None else history.sessions[history.has_bar]
    complete = np.flatnonzero(rows.complete(FULL) & np.isin(rows.sessions, stored))
    chosen = complete[np.linspace(0, len(complete) - 1, min(COUNT, len(complete))).astype(int)]
    entries = [(as_date(rows.sessions[at]), float(rows.price[at]), float(rows.vix[at])) for at in chosen]
    return Probes.of_history(history, spec, entries, rows.known)
