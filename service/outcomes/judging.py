"""Checks reported trades against the settlement. A label that it contradicts is kept, and flagged.

Most trades are reported before their session's bar is known, so a trade is checked when either of the two arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from kronos.condor.contradiction import Contradiction, ReportedCondor, contradictions
from kronos.condor.settlement import SessionBars
from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from service.outcomes.repository import OutcomeRepository, TradedOutcome, TradeKey

FROM_SETTLEMENT = frozenset(flag.value for flag in Contradiction)
JUDGED_AGAIN = timedelta(days=10)
"""Bars may be restated, so trades of the days before a bar are checked again."""


class OutcomeJudge:
    """Checks stored trades within one transaction, against the bars of a history and the trade of a spec."""

    def __init__(self, outcomes: OutcomeRepository, history: MarketHistory | None, spec: CondorSpec) -> None:
        self._outcomes = outcomes
        self._bars = SessionBars(history, spec)
        self._spec = spec

    def can_judge(self, session: date) -> bool:
        """Whether the bar that settled a session's condor is stored."""
        return self._bars.get(session).settlement_price is not None

    async def judge(self, keys: Sequence[TradeKey]) -> dict[TradeKey, list[str]]:
        """Check these trades, each named by bot and trade id; returns their flags."""
        return await self._judge(await self._outcomes.traded(keys)) if keys else {}

    async def judge_since(self, first_bar: date, last_bar: date) -> None:
        """Check the trades that new bars may settle, and again those of the days before."""
        first = first_bar - JUDGED_AGAIN - timedelta(days=2 * self._spec.dte_sessions)
        await self._judge(await self._outcomes.traded_between(first, last_bar))

    async def _judge(self, found: Iterable[TradedOutcome]) -> dict[TradeKey, list[str]]:
        flags = {}
        for row, sd_multiplier in found:
            kept = [flag for flag in row.flags if flag not in FROM_SETTLEMENT]
            condor = ReportedCondor(
                row.outcome,
                sd_multiplier,
                row.features.get("price"),
                row.features.get("vix"),
                row.put_short_strike,
                row.call_short_strike,
                row.settlement_price,
            )
            now = kept + [flag.value for flag in contradictions(condor, self._bars.get(row.trade_date), self._spec)]
            if now != row.flags:
                row.flags = now
            flags[row.bot, row.trade_id] = now
        await self._outcomes.flush()
        return flags
