"""The elements of the page: tables, and figures that carry their numbers with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kronos.report.svg import Drawing


@dataclass(frozen=True, slots=True)
class Table:
    """A captioned table; the first cell of each row is its name."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and its caption, with another drawing for narrow screens where the first would be too small."""

    drawing: Drawing
    caption: str
    narrow: Drawing | None = None
    table: Table | None = None
