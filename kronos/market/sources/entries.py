"""The public source of each instrument's bars: one entry per family of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kronos.market.history import SPX, VIX, Family
from kronos.market.sources.cboe import VIX_URL, CboeFile
from kronos.market.sources.source import Source
from kronos.market.sources.spx import SPX_URL, SpxChart

Sources = Mapping[str, Source]
"""Sources by the name of their family."""


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A family's public source, and the reader for addresses in its format."""

    family: Family
    url: str
    read: Callable[[str], Source]


ENTRIES: Final = (SourceEntry(VIX, VIX_URL, CboeFile), SourceEntry(SPX, SPX_URL, SpxChart))


def sources_at(urls: Mapping[str, str | None]) -> Sources:
    """The sources of the given families, each at its given address or, for None, at its public one."""
    return {
        entry.family.name: entry.read(urls[entry.family.name] or entry.url)
        for entry in ENTRIES
        if entry.family.name in urls
    }
