"""Convert a curve model to named arrays and plain values, and back, checking every bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kronos.errors import ArtefactError
from kronos.features.variants import Variant
from kronos.model.curve import CurveModel, Logistic, PiecewiseLinearCalibrator
from kronos.model.trees import SessionTrees, StackedTrees, Trees

Arrays = Mapping[str, npt.NDArray[Any]]
MAX_DEPTH = 64
MAX_TREES = 5_000
MAX_NODES = 500_000
MAX_KNOTS = 100_000
BOOSTING: Final[Mapping[str, type[SessionTrees | StackedTrees]]] = {"session": SessionTrees, "stacked": StackedTrees}
"""Kinds of trees by their name in the manifest; before format 3 they were not named, and stacked."""


def pack(model: CurveModel) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The model's arrays, prefixed with the variant's name, and the values for the manifest."""
    logistic, trees, calibrator = model.logistic, model.boosting.trees, model.calibrator
    arrays: dict[str, npt.NDArray[Any]] = {
        "logistic_mean": logistic.mean,
        "logistic_scale": logistic.scale,
        "logistic_slope": logistic.slope,
        "logistic_intercept": logistic.intercept,
        "tree_roots": trees.roots,
        "tree_column": trees.column,
        "tree_threshold": trees.threshold,
        "tree_left": trees.left,
        "tree_right": trees.right,
        "tree_value": trees.value,
        "isotonic_raw": calibrator.raw,
        "isotonic_calibrated": calibrator.calibrated,
    }
    kind = next(name for name, of in BOOSTING.items() if isinstance(model.boosting, of))
    values = {"clip": logistic.clip, "boosting": kind, "baseline": trees.baseline, "depth": trees.depth}
    return {f"{model.variant.name}/{name}": array for name, array in arrays.items()}, values


def unpack(
    variant: Variant, multipliers: npt.NDArray[np.float64], arrays: Arrays, values: Mapping[str, Any]
) -> CurveModel:
    """Rebuild a model whose curve has these (k,) multipliers.

    Raises
    ------
    ArtefactError
        If an array is missing, has the wrong shape or type, or holds an index out of bounds.
    """
    columns = sum(feature.columns for feature in variant.features)

    def floats(name: str, length: int | None = None) -> npt.NDArray[np.float64]:
        return require_array(arrays, f"{variant.name}/{name}", "float64", (length,))

    logistic = Logistic(
        mean=floats("logistic_mean", columns),
        scale=floats("logistic_scale", columns),
        slope=floats("logistic_slope", columns),
        intercept=floats("logistic_intercept", len(multipliers)),
        clip=_number(values, "clip"),
    )
    calibrator = PiecewiseLinearCalibrator(floats("isotonic_raw"), floats("isotonic_calibrated"))
    kind = BOOSTING.get(values.get("boosting", "stacked"))
    if kind is None:
        raise ArtefactError(f"variant {variant.name}: its boosting is of a kind that this version does not know")
    boosting = kind(_unpack_trees(variant.name, arrays, values, columns + kind.more_columns))
    problems = {
        "a scale is not positive": not (logistic.scale > 0).all(),
        "the calibrator is empty or too large": not 0 < len(calibrator.raw) <= MAX_KNOTS,
        "the calibrator's knots differ in number": len(calibrator.raw) != len(calibrator.calibrated),
        "the calibrator decreases": bool(
            (np.diff(calibrator.raw) < 0).any() or (np.diff(calibrator.calibrated) < 0).any()
        ),
    }
    for what, wrong in problems.items():
        if wrong:
            raise ArtefactError(f"variant {variant.name}: {what}")
    return CurveModel(variant, multipliers, logistic, boosting, calibrator)


def require_array(
    arrays: Arrays, name: str, dtype: str, shape: tuple[int | None, ...], *, may_be_nan: bool = False
) -> npt.NDArray[Any]:
    """The named array, which must have the given type and shape; None in the shape allows any length.

    Raises
    ------
    ArtefactError
    """
    array = arrays.get(name)
    if array is None:
        raise ArtefactError(f"array {name} is missing")
    fits = array.ndim == len(shape) and all(
        want is None or want == have for want, have in zip(shape, array.shape, strict=True)
    )
    if array.dtype.name != dtype or not fits:
        raise ArtefactError(f"array {name} is {array.dtype.name} {array.shape}, not {dtype} {shape}")
    if dtype == "float64" and not may_be_nan and np.isnan(array).any():
        raise ArtefactError(f"array {name} holds NaN")
    return array


def _unpack_trees(variant: str, arrays: Arrays, values: Mapping[str, Any], columns: int) -> Trees:
    nodes = len(arrays.get(f"{variant}/tree_value", ()))

    def nodewise(name: str, dtype: str) -> npt.NDArray[Any]:
        return require_array(arrays, f"{variant}/{name}", dtype, (nodes,))

    trees = Trees(
        baseline=_number(values, "baseline"),
        roots=require_array(arrays, f"{variant}/tree_roots", "int32", (None,)),
        column=nodewise("tree_column", "int32"),
        threshold=nodewise("tree_threshold", "float64"),
        left=nodewise("tree_left", "int32"),
        right=nodewise("tree_right", "int32"),
        value=nodewise("tree_value", "float64"),
        depth=int(_number(values, "depth")),
    )
    inside = all(
        ((array >= 0) & (array < bound)).all()
        for array, bound in (
            (trees.roots, nodes),
            (trees.left, nodes),
            (trees.right, nodes),
            (trees.column, columns),
        )
    )
    if len(trees.roots) > MAX_TREES or nodes > MAX_NODES:
        raise ArtefactError(f"variant {variant}: too many trees or nodes")
    if not inside or not 0 <= trees.depth <= MAX_DEPTH:
        raise ArtefactError(f"variant {variant}: a tree refers to nodes or columns that do not exist")
    return trees


def _number(values: Mapping[str, Any], name: str) -> float:
    value = values.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
        raise ArtefactError(f"the manifest's {name} is not a number")
    return float(value)
