"""Artefacts that are signed well and meant ill: each is refused, with a reason, before it can do harm."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kronos.errors import ArtefactError
from kronos.model.artefact import Artefact
from kronos.model.model import Model
from kronos.training.export import TrainedModel

Manifest = dict[str, Any]
Arrays = dict[str, Any]


def signed(body: bytes) -> bytes:
    return body + hashlib.sha256(body).hexdigest().encode()


def zipped(manifest: str | bytes, members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("manifest.json", manifest)
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def claiming(shape: str, dtype: str = "<f8") -> bytes:
    """An array's header without its data."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


RAW_MEMBERS = {
    "an array that claims 1e14 elements": claiming("(100000000000000,)"),
    "an array whose size overflows": claiming("(9223372036854775807, 9223372036854775807)"),
    "an array of negative size": claiming("(-1,)"),
    "an array of objects": claiming("(11,)", "|O") + b"\x80\x04N.",
    "an array header of garbage": b"\x93NUMPY\x01\x00\x10\x00" + b"{" * 16,
    "an array header nested deep": claiming("(" * 3000 + ")" * 3000),
    "an empty member": b"",
}
RAW_MANIFESTS = {
    "nested deep": "[" * 200_000 + "]" * 200_000,
    "not text": b"\xff\xfe{}",
    "a list": "[]",
    "infinite": '{"format": 2, "x": Infinity}',
    "NaN": '{"format": 2, "x": NaN}',
    "NUL": '{"format": 2, "x": "\\u0000"}',
    "a lone surrogate": '{"format": 2, "x": "\\ud800"}',
    "a true format": '{"format": true}',
}


@pytest.mark.parametrize("member", RAW_MEMBERS.values(), ids=RAW_MEMBERS.keys())
def test_a_senseless_array_is_refused(member: bytes) -> None:
    with pytest.raises(ArtefactError):
        Artefact.from_bytes(signed(zipped('{"format": 2}', {"base_rates.npy": member})))


@pytest.mark.parametrize("manifest", RAW_MANIFESTS.values(), ids=RAW_MANIFESTS.keys())
def test_a_senseless_manifest_is_refused(manifest: str | bytes) -> None:
    with pytest.raises(ArtefactError):
        Artefact.from_bytes(signed(zipped(manifest, {})))


@pytest.mark.parametrize(("offset", "value"), [(8, 1), (6, 99)], ids=["encrypted", "zip version 9.9"])
def test_a_strange_zip_is_refused(offset: int, value: int) -> None:
    body = bytearray(zipped('{"format": 2}', {}))
    body[body.find(b"PK\x01\x02") + offset] = value
    with pytest.raises(ArtefactError):
        Artefact.from_bytes(signed(bytes(body)))


TREE = {
    "roots": np.array([0], dtype=np.int32),
    "column": np.zeros(3, dtype=np.int32),
    "threshold": np.zeros(3),
    "left": np.array([1, 1, 2], dtype=np.int32),
    "right": np.array([2, 1, 2], dtype=np.int32),
    "value": np.array([0.2, 0.1, -0.1]),
}


def another_tree(_: Manifest, arrays: Arrays) -> None:
    arrays |= {f"full/tree_{name}": array for name, array in TREE.items()}


def cycle(manifest: Manifest, arrays: Arrays) -> None:
    another_tree(manifest, arrays)
    for side in ("left", "right"):
        arrays[f"full/tree_{side}"] = np.zeros(3, dtype=np.int32)


def a_column_that_is_not_there(manifest: Manifest, arrays: Arrays) -> None:
    another_tree(manifest, arrays)
    arrays["full/tree_column"] = np.full(3, 1_000, dtype=np.int32)


def no_probes(_: Manifest, arrays: Arrays) -> None:
    for name in [name for name in arrays if name.startswith("probes/")]:
        arrays[name] = arrays[name][:0]


def many_trees(_: Manifest, arrays: Arrays) -> None:
    arrays["full/tree_roots"] = np.zeros(3_000_000, dtype=np.int32)


def rates_above_one(_: Manifest, arrays: Arrays) -> None:
    arrays["base_rates"] = np.full_like(arrays["base_rates"], 7.0)


def falling_rates(_: Manifest, arrays: Arrays) -> None:
    arrays["base_rates"] = arrays["base_rates"][::-1].copy()


def without_an_array(_: Manifest, arrays: Arrays) -> None:
    del arrays["market/tree_value"]


def narrow_rows(_: Manifest, arrays: Arrays) -> None:
    arrays["rows/features"] = arrays["rows/features"][:, :-1].copy()


def scalar_rows(_: Manifest, arrays: Arrays) -> None:
    arrays["rows/features"] = np.array(1.0)


def endless_rows(_: Manifest, arrays: Arrays) -> None:
    arrays["rows/features"] = np.full_like(arrays["rows/features"], np.inf)


def setting(path: str, value: Any) -> Callable[[Manifest, Arrays], None]:
    def change(manifest: Manifest, _: Arrays) -> None:
        *above, name = path.split(".")
        at: Any = manifest
        for part in above:
            at = at[int(part) if part.isdigit() else part]
        at[int(name) if name.isdigit() else name] = value

    return change


CHANGES: dict[str, Callable[[Manifest, Arrays], None]] = {
    "a tree that the probes do not know": another_tree,
    "a tree with a cycle": cycle,
    "a tree on a column beyond the last": a_column_that_is_not_there,
    "boosting of an unknown kind": setting("variants.0.boosting", "quantum"),
    "a put's share above one": setting("put_share", [2.0] * 11),
    "a put's share for too few multipliers": setting("put_share", [0.5]),
    "a tail that does not fall": setting("tail_excess", {"put": 0.4, "call": 0.0}),
    "a tail that is no number": setting("tail_excess", {"put": "long"}),
    "a tail that is no object": setting("tail_excess", [0.4, 0.4]),
    "skill at too few multipliers": setting("variants.0.skill_by_multiplier", [0.1]),
    "skill that is no number": setting("variants.0.skill_by_multiplier", "much"),
    "no probe rows": no_probes,
    "three million trees": many_trees,
    "base rates above one": rates_above_one,
    "falling base rates": falling_rates,
    "a missing array": without_an_array,
    "training rows of another width": narrow_rows,
    "training rows without a shape": scalar_rows,
    "training rows of infinities": endless_rows,
    "depth -1": setting("variants.0.depth", -1),
    "depth true": setting("variants.0.depth", True),
    "no variant": setting("variants.1", {}),
    "skill true": setting("variants.0.metrics.brier_skill", True),
    "skill text": setting("variants.0.metrics.brier_skill", "inf"),
    "no metrics": setting("variants.0.metrics", {}),
    "half a session to settlement": setting("spec.dte_sessions", 1.5),
    "a million sessions to settlement": setting("spec.dte_sessions", 1_000_000),
    "entry at noon": setting("spec.entry", "noon"),
    "unknown management": setting("spec.management", "pray"),
    "no multiplier allowed": setting("policy.lowest_sd_multiplier", 5.0),
    "target text": setting("policy.target_probability", "x"),
    "negative risk": setting("policy.reduced_risk_low_pct", -1.0),
    "absurd risk": setting("policy.full_risk_pct", 1e9),
    "unknown policy": setting("policy.surprise", 1),
    "no training": setting("training", {}),
    "trained in the year 20000": setting("training.last", "20000-01-01"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_could_not_be_served_is_refused(trained: TrainedModel, change: Callable[[Manifest, Arrays], None]) -> None:
    manifest = copy.deepcopy(json.loads(json.dumps(dict(trained.artefact.manifest))))
    arrays = dict(trained.artefact.arrays)
    Model.from_bytes(Artefact(manifest, arrays).to_bytes())
    change(manifest, arrays)
    with pytest.raises(ArtefactError):
        Model.from_bytes(Artefact(manifest, arrays).to_bytes())
