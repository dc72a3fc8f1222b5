"""What the settlement says of reported trades: a label that it contradicts is kept and flagged.

A trade is mostly reported before its session's bar is known, so it is judged when either comes.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from ares_client.contract import TradeOutcome
from kronos.condor import CondorSpec, ShortStrikes, short_strike_range, win_is_contradicted
from kronos.market import MarketHistory
from service.db.tables import OutcomeRow
from service.market_days.repository import MarketDayRepository
from service.models.repository import ModelRepository
from service.outcomes.followed import followed_advice, traded_sd_multiplier

LABEL_CONTRADICTED = "label_contradicted"
SIDE_CONTRADICTED = "side_contradicted"
SETTLEMENT_CONTRADICTED = "settlement_contradicted"
FROM_SETTLEMENT = frozenset({LABEL_CONTRADICTED, SIDE_CONTRADICTED, SETTLEMENT_CONTRADICTED})
SETTLEMENT_TOLERANCE = 0.005
JUDGED_AGAIN = timedelta(days=10)


def contradictions(
    trade: OutcomeRow, sd_multiplier: float, history: MarketHistory | None, spec: CondorSpec
) -> list[str]:
    """The flags that a trade earns from its settlement: the bar's where there is one, else the one reported."""
    market = _settlement(history, spec, trade.trade_date)
    settlement = trade.settlement_price if market is None else market
    flags = []
    if market is not None and trade.settlement_price is not None:
        off = abs(trade.settlement_price / market - 1)
        flags += [SETTLEMENT_CONTRADICTED] if off > SETTLEMENT_TOLERANCE else []
    strikes = _short_strikes(trade, sd_multiplier, spec)
    if spec.management != "hold" or settlement is None or strikes is None:
        return flags
    won = trade.outcome == TradeOutcome.MAX_PROFIT
    nearest, farthest = strikes
    if win_is_contradicted(settlement, nearest, farthest, won=won):
        flags.append(LABEL_CONTRADICTED)
    elif not won and trade.outcome != _side(settlement, nearest):
        flags.append(SIDE_CONTRADICTED)
    return flags


class Judge:
    """Judges stored trades within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def judge_since(self, first_bar: date, last_bar: date) -> None:
        """Judge the trades that new bars may settle, and those of the days before again."""
        spec = await ModelRepository(self._session).champion_spec() or CondorSpec()
        first = first_bar - JUDGED_AGAIN - timedelta(days=2 * spec.dte_sessions)
        history = await MarketDayRepository(self._session).history()
        await self._judge(OutcomeRow.trade_date.between(first, last_bar), history, spec)

    async def judge(
        self, keys: list[tuple[str, str]], history: MarketHistory | None, spec: CondorSpec
    ) -> dict[tuple[str, str], list[str]]:
        """Judge these trades, each named by bot and trade id; returns their flags."""
        if not keys:
            return {}
        return await self._judge(tuple_(OutcomeRow.bot, OutcomeRow.trade_id).in_(keys), history, spec)

    async def _judge(
        self, which: ColumnElement[bool], history: MarketHistory | None, spec: CondorSpec
    ) -> dict[tuple[str, str], list[str]]:
        advice, joined = followed_advice()
        found = await self._session.execute(
            select(OutcomeRow, traded_sd_multiplier(advice)).select_from(joined).where(which)
        )
        flags = {}
        for row, sd_multiplier in found:
            kept = [flag for flag in row.flags if flag not in FROM_SETTLEMENT]
            now = kept + contradictions(row, sd_multiplier, history, spec)
            if now != row.flags:
                row.flags = now
            flags[row.bot, row.trade_id] = now
        await self._session.flush()
        return flags


def settlement_is_known(history: MarketHistory | None, spec: CondorSpec, trade_date: date) -> bool:
    """Whether the bar that settled a trade is held."""
    return _settlement(history, spec, trade_date) is not None


def _settlement(history: MarketHistory | None, spec: CondorSpec, trade_date: date) -> float | None:
    if history is None:
        return None
    day = np.datetime64(trade_date, "D")
    settled = int(np.searchsorted(history.sessions, day)) + spec.dte_sessions
    if settled >= len(history) or history.sessions[settled - spec.dte_sessions] != day:
        return None
    close = float(history.spx_close[settled])
    return None if np.isnan(close) else close


def _short_strikes(
    trade: OutcomeRow, sd_multiplier: float, spec: CondorSpec
) -> tuple[ShortStrikes, ShortStrikes] | None:
    """The short strikes as reported, else between what the reported price, VIX and the multiplier allow."""
    if trade.put_short_strike is not None and trade.call_short_strike is not None:
        reported = ShortStrikes(trade.put_short_strike, trade.call_short_strike)
        return reported, reported
    price, vix = trade.features.get("price"), trade.features.get("vix")
    if not price or not vix or price <= 0 or vix <= 0:
        return None
    return short_strike_range(price, vix, sd_multiplier, spec)


def _side(settlement: float, nearest: ShortStrikes) -> TradeOutcome:
    return TradeOutcome.PUT_BREACHED if settlement < nearest.put else TradeOutcome.CALL_BREACHED
