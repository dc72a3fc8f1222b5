"""The market history in memory, so that advice needs no database."""

from __future__ import annotations

from kronos.market.history import MarketHistory


class BarsHolder:
    """Holds the stored bars; they are replaced as a whole when they change."""

    def __init__(self) -> None:
        self._history: MarketHistory | None = None

    @property
    def history(self) -> MarketHistory | None:
        """The bars; None while there are none."""
        return self._history

    def swap(self, history: MarketHistory | None) -> None:
        """Use other bars from the next request on."""
        self._history = history
