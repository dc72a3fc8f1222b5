"""Three worlds of price: what the market would have paid for condors that nobody quoted.

None of them is the market, so modelled money is always shown in all of them. `docs/decisions/0016-worlds-of-price.md`.
"""

from __future__ import annotations

from enum import StrEnum


class World(StrEnum):
    """Where a modelled credit comes from."""

    VIX_ONLY = "vix_only"
    SHORT_DATED = "short_dated"
    EFFICIENT = "efficient"

    @property
    def money(self) -> str:
        """What tables call this money."""
        return MONEY[self]

    @property
    def meaning(self) -> str:
        """What it assumes, and what that does to the figures."""
        return MEANINGS[self]


MONEY = {
    World.VIX_ONLY: "modelled, VIX only",
    World.SHORT_DATED: "modelled, short-dated",
    World.EFFICIENT: "modelled, efficient",
}
MEANINGS = {
    World.VIX_ONLY: (
        "credits follow VIX alone. This flatters every choice of sessions: the market asks more on days that it fears"
    ),
    World.SHORT_DATED: ("credits follow VIX1D or VIX9D where they are, else what VIX and its recent past say of them"),
    World.EFFICIENT: (
        "the market knows what the model knows: it sells at the fair credit, known before the session, plus a premium "
        "in proportion. Choosing sessions must earn about nothing here"
    ),
}
