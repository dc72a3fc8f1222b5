"""Reported trades joined to market sessions: what the bot adds to what the market says, and what contradicts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from kronos.condor import (
    DEFAULT_SD_MULTIPLIER,
    SD_MULTIPLIERS,
    CondorSpec,
    entry_vix,
    settlement_price,
    short_strike_range,
    win_is_contradicted,
    wins_at,
)
from kronos.features import FEATURES, MINIMAL_FEATURES, features_at_entry
from kronos.market import Floats, MarketHistory
from kronos.sessions import exchange_sessions
from kronos.training.rows import TrainingRows

WIN = "MAX_PROFIT"
PLAUSIBLE_PRICE_RATIO = 1.1
PLAUSIBLE_VIX_RATIO = 2.0


@dataclass(frozen=True, slots=True)
class Trade:
    """One closed trade as the bot reported it; price and VIX are those it was advised on, if known."""

    session: date
    outcome: str
    sd_multiplier: float | None = None
    price: float | None = None
    vix: float | None = None


@dataclass(frozen=True, eq=False)
class JoinedTrades:
    """What became of the reported trades.

    Attributes
    ----------
    rows : one a session, in order: rebuilt from the bars with the entry really traded, or, where there are no
        bars, what price, VIX and day alone give, labelled at the multiplier traded and nowhere else
    checked : trades that could be held against their session's bar
    contradicted : of those, trades whose label the settlement contradicts
    implausible : of those, trades whose price or VIX is far from the session's
    unusable : trades that teach nothing: no session, no entry known, or no bars and a multiplier off the grid
    """

    rows: TrainingRows
    checked: int
    contradicted: int
    implausible: int
    unusable: int

    @property
    def suspicious_share(self) -> float:
        """Share of the checked trades that the market contradicts."""
        return (self.contradicted + self.implausible) / self.checked if self.checked else 0.0


@dataclass(frozen=True, slots=True)
class _Bar:
    price: float
    vix: float
    settlement: float


def join_trades(trades: Sequence[Trade], history: MarketHistory | None, spec: CondorSpec) -> JoinedTrades:
    """Check reported trades against the bars; of several trades of a session, the first stands."""
    bars = _bars(history, spec)
    rows: dict[date, tuple[float, float, Floats, Floats]] = {}
    checked = contradicted = implausible = unusable = 0
    for trade in trades:
        bar = bars.get(trade.session)
        price, vix = (trade.price, trade.vix) if bar is None else (trade.price or bar.price, trade.vix or bar.vix)
        if not price or not vix or price <= 0 or vix <= 0 or trade.session not in exchange_sessions():
            unusable += 1
            continue
        if bar is None:
            labels = _label_as_traded(trade)
            if np.isnan(labels).all():
                unusable += 1
                continue
        else:
            checked += 1
            if _far(price, bar.price, PLAUSIBLE_PRICE_RATIO) or _far(vix, bar.vix, PLAUSIBLE_VIX_RATIO):
                implausible += 1
                continue
            labels = wins_at(price, vix, bar.settlement, spec)
            contradicted += _contradicted(trade, price, vix, bar.settlement, spec)
        rows.setdefault(trade.session, (price, vix, _features(trade, bar, history, spec, price, vix), labels))
    return JoinedTrades(_stacked(rows), checked, contradicted, implausible, unusable)


def _bars(history: MarketHistory | None, spec: CondorSpec) -> dict[date, _Bar]:
    """Sessions with a settlement, with the market's own entry."""
    if history is None:
        return {}
    price = history.spx_open if spec.entry == "open" else history.spx_close
    vix, settlement = entry_vix(history, spec), settlement_price(history, spec)
    known = np.flatnonzero(~np.isnan(price) & ~np.isnan(vix) & ~np.isnan(settlement))
    return {history.sessions[at].item(): _Bar(float(price[at]), float(vix[at]), float(settlement[at])) for at in known}


def _features(
    trade: Trade, bar: _Bar | None, history: MarketHistory | None, spec: CondorSpec, price: float, vix: float
) -> Floats:
    values = features_at_entry(history, spec, trade.session, price, vix)
    wanted = FEATURES if bar is not None else MINIMAL_FEATURES
    return np.array([values.get(name, np.nan) if name in wanted else np.nan for name in FEATURES])


def _label_as_traded(trade: Trade) -> Floats:
    """The reported label at the multiplier traded only: what it implies elsewhere is known for one outcome
    but not for the other, and would teach a bias."""
    multiplier = trade.sd_multiplier or DEFAULT_SD_MULTIPLIER
    return np.where(np.isclose(SD_MULTIPLIERS, multiplier), float(trade.outcome == WIN), np.nan)


def _contradicted(trade: Trade, price: float, vix: float, settlement: float, spec: CondorSpec) -> bool:
    nearest, farthest = short_strike_range(price, vix, trade.sd_multiplier or DEFAULT_SD_MULTIPLIER, spec)
    return win_is_contradicted(settlement, nearest, farthest, won=trade.outcome == WIN)


def _far(reported: float, market: float, ratio: float) -> bool:
    return not 1 / ratio <= reported / market <= ratio


def _stacked(rows: dict[date, tuple[float, float, Floats, Floats]]) -> TrainingRows:
    days = sorted(rows)
    return TrainingRows(
        sessions=np.array(days, dtype="datetime64[D]"),
        price=np.array([rows[day][0] for day in days]),
        vix=np.array([rows[day][1] for day in days]),
        features=np.array([rows[day][2] for day in days]).reshape(len(days), len(FEATURES)),
        labels=np.array([rows[day][3] for day in days]).reshape(len(days), len(SD_MULTIPLIERS)),
    )
