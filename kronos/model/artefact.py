"""The model artefact: one file, without code.

It is an uncompressed zip of `manifest.json` and `.npy` arrays, followed by the SHA-256 (hex) of all preceding bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kronos.errors import ArtefactError
from kronos.model.formats import require_readable

MANIFEST: Final = "manifest.json"
DIGEST_LENGTH: Final = 64
MAX_MEMBERS: Final = 200
SOME_DAY: Final = (1980, 1, 1, 0, 0, 0)
DTYPES: Final = ("float64", "int32", "int64", "uint8", "datetime64[D]")


@dataclass(frozen=True, eq=False)
class Artefact:
    """A manifest and the arrays that it describes, as read from or written to a file."""

    manifest: Mapping[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]

    def to_bytes(self) -> bytes:
        """The file's bytes; the same content always gives the same bytes."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
            text = json.dumps(dict(self.manifest), sort_keys=True, indent=1, allow_nan=False)
            file.writestr(zipfile.ZipInfo(MANIFEST, SOME_DAY), text)
            for name in sorted(self.arrays):
                file.writestr(zipfile.ZipInfo(f"{name}.npy", SOME_DAY), _npy(self.arrays[name]))
        body = buffer.getvalue()
        return body + hashlib.sha256(body).hexdigest().encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Artefact:
        """Read and check a file. Nothing in it is executed.

        Raises
        ------
        ArtefactError
            If a byte has changed, the format is too new, or a member is not what it should be.
        """
        body, digest = content[:-DIGEST_LENGTH], content[-DIGEST_LENGTH:]
        if hashlib.sha256(body).hexdigest().encode() != digest:
            raise ArtefactError("the file is damaged or not a model artefact: its SHA-256 does not match")
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as file:
                return cls._read(file)
        except ArtefactError:
            raise
        except Exception as error:
            # A hostile file can make the zip, JSON and array readers raise almost anything; all of it means the same.
            raise ArtefactError(f"the file is not a model artefact: {type(error).__name__}") from error

    @classmethod
    def _read(cls, file: zipfile.ZipFile) -> Artefact:
        members = file.infolist()
        if len(members) > MAX_MEMBERS or any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ArtefactError("the file has compressed or too many members")
        manifest = _manifest(file.read(MANIFEST))
        names = [member.filename for member in members if member.filename != MANIFEST]
        return cls(manifest, {name.removesuffix(".npy"): _array(name, file.read(name)) for name in names})


def identity(content: bytes) -> str:
    """The artefact's identity: the SHA-256 of the whole file, in hex."""
    return hashlib.sha256(content).hexdigest()


def _manifest(content: bytes) -> dict[str, Any]:
    """The manifest, in a format that this version reads and without text that a database would refuse."""
    manifest = json.loads(content, parse_constant=_refuse_constant)
    if not isinstance(manifest, dict):
        raise ArtefactError("the manifest is not an object")
    require_readable(manifest.get("format"))
    text = json.dumps(manifest, ensure_ascii=False)
    if "\\u0000" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ArtefactError("the manifest holds a NUL character or a lone surrogate")
    return manifest


def _refuse_constant(name: str) -> float:
    raise ArtefactError(f"the manifest holds {name}")


def _npy(array: npt.NDArray[Any]) -> bytes:
    if array.dtype.name not in DTYPES:
        raise TypeError(f"an artefact cannot hold arrays of {array.dtype}")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _array(name: str, content: bytes) -> npt.NDArray[Any]:
    buffer = io.BytesIO(content)
    if np.lib.format.read_magic(buffer) != (1, 0):
        raise ArtefactError("an array has a format version that is not supported")
    shape, _, dtype = np.lib.format.read_array_header_1_0(buffer)
    if math.prod(shape) * dtype.itemsize != len(content) - buffer.tell():
        raise ArtefactError("the size of an array does not match its header")
    buffer.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(buffer, allow_pickle=False)
    if array.dtype.name not in DTYPES:
        raise ArtefactError(f"an array has the type {array.dtype.name}, which artefacts do not use")
    if array.dtype.kind == "f" and np.isinf(array).any():
        raise ArtefactError("an array holds an infinity")
    array.flags.writeable = False
    return array
