"""The public source of each instrument's bars: one entry per family of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from kronos.market.history import SPX, SPY, VIX, VIX1D, VIX3M, VIX9D, Family
from kronos.market.sources.cboe import VIX1D_URL, VIX3M_URL, VIX9D_URL, VIX_URL, CboeFile
from kronos.market.sources.chart import SPX_URL, SPY_URL, Chart
from kronos.market.sources.source import Source

Sources = Mapping[str, Source]
"""Sources by the name of their family."""


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A family's public source, and the reader for addresses in its format."""

    family: Family
    url: str
    read: Callable[[str], Source]


SPY_REMEDY = "try again later, or name another copy with --spy-url"
ENTRIES: Final = (
    SourceEntry(VIX, VIX_URL, CboeFile),
    SourceEntry(SPX, SPX_URL, Chart),
    SourceEntry(SPY, SPY_URL, partial(Chart, instrument="SPY", adjusted=True, remedy=SPY_REMEDY)),
    SourceEntry(VIX9D, VIX9D_URL, partial(CboeFile, index="VIX9D")),
    SourceEntry(VIX3M, VIX3M_URL, partial(CboeFile, index="VIX3M")),
    SourceEntry(VIX1D, VIX1D_URL, partial(CboeFile, index="VIX1D")),
)


def sources_at(urls: Mapping[str, str | None]) -> Sources:
    """The sources of the given families, each at its given address or, for None, at its public one."""
    return {
        entry.family.name: entry.read(urls[entry.family.name] or entry.url)
        for entry in ENTRIES
        if entry.family.name in urls
    }
