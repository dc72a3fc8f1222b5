"""Train all variants on all rows, and make the artefact with its out-of-sample scores inside."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kronos.condor.entry import PriceTally
from kronos.condor.spec import DEFAULT_COLUMN, SD_MULTIPLIERS, CondorSpec
from kronos.errors import TrainingRefusedError
from kronos.features.variants import FULL, MINIMAL, VARIANTS, Variant
from kronos.market.history import Floats, MarketHistory, Positions
from kronos.market.sessions import as_date
from kronos.model.artefact import Artefact
from kronos.model.formats import NEWEST_FORMAT
from kronos.model.model import Model
from kronos.model.packing import pack
from kronos.model.policy import Policy
from kronos.model.probes import COUNT, Probes
from kronos.progress import Phases, silent
from kronos.statistics.intervals import t_statistic
from kronos.statistics.scores import Scores, score
from kronos.training.estimator import CurveEstimator, walk_variant
from kronos.training.losses import Losses
from kronos.training.policy_fit import shipped_policy
from kronos.training.recipe import DEFAULT_RECIPES, Recipe
from kronos.training.rows import TrainingRows, feature_list, row_arrays
from kronos.training.walk_forward import Predictions, base_rates

CORRECTION_EARNED_T: Final = 2.0
"""A correction is kept only if its gain out of sample is this many standard errors."""
LIBRARIES = ("numpy", "scikit-learn", "scipy")
TRAINING = {variant.name: f"training {variant.name}" for variant in VARIANTS}


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """The artefact of a training run, and the out-of-sample evidence for it by variant."""

    artefact: Artefact
    predictions: Mapping[str, Predictions]
    scores: Mapping[str, Scores]

    @cached_property
    def model(self) -> Model:
        """The model as a service loads it."""
        return Model.from_artefact(self.artefact)

    @property
    def left_out(self) -> Mapping[str, str]:
        """Variants that were not worth their place, and why."""
        reasons: Mapping[str, str] = self.artefact.manifest["left_out_variants"]
        return reasons

    @property
    def headline_metrics(self) -> dict[str, Any]:
        """The richest variant's scores at multiplier 1.0."""
        return self.scores[FULL.name].as_dict()


def train(
    rows: TrainingRows,
    spec: CondorSpec,
    history: MarketHistory | None = None,
    *,
    usual_policy: Policy | None = None,
    recipe: Recipe | None = None,
    jobs: int = 1,
    progress: Phases = silent,
) -> TrainedModel:
    """Train all variants. The same rows, history and recipe give the same artefact, byte for byte.

    A variant that corrects a poorer one is kept only if it gains on it out of sample, beyond noise.

    Parameters
    ----------
    rows : in time order
    history : the bars that the rows came from, for the artefact's probes; without it the probes use made-up bars
    usual_policy : kept where too few sessions are tested to learn a policy from; default: the default policy
    recipe : default: the one for this kind of entry
    progress : called with a phase for each variant, named as in `TRAINING`, and with its folds

    Raises
    ------
    TrainingRefusedError
        If a variant has too few sessions or losses, or none to score.
    """
    recipe = recipe or DEFAULT_RECIPES[spec.entry]
    arrays: dict[str, npt.NDArray[Any]] = {}
    variants: list[dict[str, Any]] = []
    predictions: dict[str, Predictions] = {}
    folds: dict[str, Sequence[Positions]] = {}
    scores: dict[str, Scores] = {}
    left_out: dict[str, str] = {}
    probes = _probes(rows, spec, history)
    for variant in reversed(VARIANTS):
        tell = progress(TRAINING[variant.name])
        try:
            walk = walk_variant(rows, variant, spec.horizon_sessions, recipe, jobs=jobs, progress=tell)
            _require_scores(walk.predictions, variant)
        except TrainingRefusedError as error:
            if variant.corrects is None:
                raise
            left_out[variant.name] = str(error)
            continue
        tested = walk.predictions
        if variant.corrects is not None:
            gain = correction_gain(tested, predictions[variant.corrects.name])
            if gain < CORRECTION_EARNED_T:
                left_out[variant.name] = (
                    f"its gain on {variant.corrects.name} out of sample is {gain:.1f} standard errors, "
                    f"{CORRECTION_EARNED_T:.1f} are needed"
                )
                continue
        predictions[variant.name], folds[variant.name] = tested, walk.tested
        scores[variant.name] = _scores(tested)
        model = CurveEstimator(variant, recipe).fit(rows, tested)
        packed, values = pack(model)
        features = rows.take(rows.complete(variant)).of_variant(variant)
        arrays |= packed
        arrays[f"{variant.name}/feature_summary"] = np.array(
            [features.min(axis=0), features.max(axis=0), np.median(features, axis=0)]
        )
        columns = [rows.known.index(feature) for feature in variant.features]
        arrays[f"probes/{variant.name}"] = model.curve(probes.values[:, columns])
        named = {
            "name": variant.name,
            "corrects": None if variant.corrects is None else variant.corrects.name,
            "features": feature_list(variant.features),
            "boosting_rounds": len(model.boosting.trees.roots),
            "skill_by_multiplier": skill_by_multiplier(tested).tolist(),
        }
        variants.insert(0, {**named, **values, "metrics": scores[variant.name].as_dict()})
    arrays |= {"base_rates": base_rates(_complete(rows).labels)[0], **probes.arrays(), **row_arrays(rows)}
    shipped = None if history is None else shipped_policy(predictions[FULL.name], folds[FULL.name], history, spec)
    policy = shipped or usual_policy or Policy()
    manifest = _manifest(rows, spec, policy, recipe, variants) | {
        "left_out_variants": left_out,
        **_loss_shape(rows, spec, history),
    }
    return TrainedModel(Artefact(manifest, arrays), predictions, scores)


def _loss_shape(rows: TrainingRows, spec: CondorSpec, history: MarketHistory | None) -> dict[str, Any]:
    """The shape of the training rows' losses, as a manifest states it; empty without their bars."""
    if history is None:
        return {"put_share": [], "tail_excess": {}}
    shape = Losses.of_history(history, spec).shape(rows.sessions)
    return {
        "put_share": shape.put_share.tolist(),
        "tail_excess": {"put": shape.put_excess, "call": shape.call_excess},
    }


def _require_scores(tested: Predictions, variant: Variant) -> None:
    if not len(tested.scored()):
        raise TrainingRefusedError(
            f"no session is left to score variant {variant.name} on: after the first {tested.first_calibrated} "
            "predictions, every price at entry is one that is scored apart; train on later years too"
        )


def _scores(tested: Predictions) -> Scores:
    scored = tested.scored()
    values = (tested.probability, tested.climatology, tested.recent, tested.rows.labels)
    return score(*(array[scored, DEFAULT_COLUMN] for array in values))


def skill_by_multiplier(tested: Predictions) -> Floats:
    """(multipliers,) Brier skill against climatology, out of sample."""
    scored = tested.scored()
    won = tested.rows.labels[scored]
    ours, reference = (((of[scored] - won) ** 2).mean(axis=0) for of in (tested.probability, tested.climatology))
    return np.asarray(1 - ours / reference)


def correction_gain(tested: Predictions, start: Predictions) -> float:
    """The t value of what a correction gains in log loss over its start, on the sessions that both predicted."""
    ours, theirs = tested.scored(), start.scored()
    _, mine, its = np.intersect1d(tested.rows.sessions[ours], start.rows.sessions[theirs], return_indices=True)
    labels = tested.rows.labels[ours[mine]]

    def losses(probability: Floats) -> Floats:
        return np.asarray(-np.log(np.where(labels == 1.0, probability, 1 - probability)).mean(axis=1))

    return t_statistic(losses(start.probability[theirs[its]]) - losses(tested.probability[ours[mine]]))


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
            "entry_price_sources": PriceTally.of(rows.source).as_dict(),
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
