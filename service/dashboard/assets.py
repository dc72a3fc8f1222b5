"""The page's files, which lie beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

PAGE = "index.html"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is sent."""

    content: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """Every file of the page by name, read once."""
    folder = files("service.dashboard") / "page"
    return {file.name: Asset(file.read_bytes(), MEDIA_TYPES[file.name.rpartition(".")[2]]) for file in folder.iterdir()}
