"""Join reported trades to market sessions: what they add to the bars, and where they contradict them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from kronos.condor.contradiction import NO_BAR, Contradiction, ReportedCondor, SessionBar, contradictions
from kronos.condor.entry import PriceSource
from kronos.condor.labels import wins_at
from kronos.condor.settlement import SessionBars
from kronos.condor.spec import DEFAULT_SD_MULTIPLIER, MAX_PROFIT, SD_MULTIPLIERS, CondorSpec
from kronos.features.matrix import features_at_entry
from kronos.features.registry import Feature
from kronos.features.variants import CURRENT_FEATURES, MINIMAL
from kronos.market.history import Floats, MarketHistory
from kronos.market.sessions import exchange_sessions
from kronos.training.rows import TrainingRows

PLAUSIBLE_PRICE_RATIO = 1.1
PLAUSIBLE_VIX_RATIO = 2.0


@dataclass(frozen=True, slots=True)
class ReportedTrade:
    """A closed trade as the bot reported it; price and VIX are those that it was advised on, if known."""

    session: date
    outcome: str
    sd_multiplier: float | None = None
    price: float | None = None
    vix: float | None = None
    put_short_strike: float | None = None
    call_short_strike: float | None = None
    settlement_price: float | None = None

    @property
    def multiplier(self) -> float:
        """The multiplier traded, or the default if the bot does not say."""
        return self.sd_multiplier or DEFAULT_SD_MULTIPLIER

    @property
    def condor(self) -> ReportedCondor:
        """The part of the report that can be judged."""
        return ReportedCondor(
            self.outcome,
            self.multiplier,
            self.price,
            self.vix,
            self.put_short_strike,
            self.call_short_strike,
            self.settlement_price,
        )


@dataclass(frozen=True, eq=False)
class JoinedTrades:
    """The reported trades after they were joined to the bars.

    Attributes
    ----------
    rows : one per session, in order. With bars: rebuilt from them, with the entry that was really traded; none where
        the report does not say at what price, since the bars' own row holds all that is known. Without bars: only what
        price, VIX and date give, labelled at the multiplier traded and nowhere else.
    checked : trades whose settlement is known, from the bars or from the report
    contradicted : checked trades whose label the settlement contradicts; without bars they give no row
    implausible : checked trades whose price or VIX is far from the session's
    unusable : trades that teach nothing: not on a session, no entry known, or no bars and a multiplier off the grid
    """

    rows: TrainingRows
    checked: int
    contradicted: int
    implausible: int
    unusable: int

    @property
    def suspicious_share(self) -> float:
        """Share of the checked trades that are contradicted or implausible."""
        return (self.contradicted + self.implausible) / self.checked if self.checked else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    price: float
    vix: float
    features: Floats
    labels: Floats


def join_trades(
    trades: Sequence[ReportedTrade],
    history: MarketHistory | None,
    spec: CondorSpec,
    known: Sequence[Feature] = CURRENT_FEATURES,
) -> JoinedTrades:
    """Check reported trades against the bars, and make rows of them. The first trade of a session gives its row.

    Parameters
    ----------
    known : the features of the rows
    """
    bars = SessionBars(history, spec)
    rows: dict[date, _Row] = {}
    checked = contradicted = implausible = unusable = 0
    for trade in trades:
        stored = bars.get(trade.session)
        bar = stored if stored.is_complete else NO_BAR
        price, vix = trade.price or bar.price, trade.vix or bar.vix
        if not price or not vix or price <= 0 or vix <= 0 or trade.session not in exchange_sessions():
            unusable += 1
            continue
        denied = Contradiction.LABEL in contradictions(trade.condor, stored, spec)
        if bar.settlement_price is None:
            labels = _label_as_traded(trade)
            if np.isnan(labels).all():
                unusable += 1
                continue
            checked += stored.settlement_price is not None or trade.settlement_price is not None
            contradicted += denied
            if denied:  # no other source says how it ended
                continue
        else:
            checked += 1
            if _far(price, bar.price, PLAUSIBLE_PRICE_RATIO) or _far(vix, bar.vix, PLAUSIBLE_VIX_RATIO):
                implausible += 1
                continue
            labels = wins_at(price, vix, bar.settlement_price, spec)
            contradicted += denied
            if not trade.price:  # the bar's price is for labels; as a feature it would tell the day's close
                continue
        if trade.session not in rows:
            features = _features(trade.session, bar, history, spec, price, vix, known)
            rows[trade.session] = _Row(price, vix, features, labels)
    return JoinedTrades(_stacked(rows, known), checked, contradicted, implausible, unusable)


def _features(
    session: date,
    bar: SessionBar,
    history: MarketHistory | None,
    spec: CondorSpec,
    price: float,
    vix: float,
    known: Sequence[Feature],
) -> Floats:
    values = features_at_entry(history, spec, session, price, vix, known)
    wanted = MINIMAL.features if bar is NO_BAR else known
    return np.array([values.get(feature.name, np.nan) if feature in wanted else np.nan for feature in known])


def _label_as_traded(trade: ReportedTrade) -> Floats:
    """The reported label, at the multiplier traded only.

    A win implies wins at wider multipliers and a loss implies losses at narrower ones, so labels implied elsewhere
    would depend on the outcome and bias the model.
    """
    return np.where(np.isclose(SD_MULTIPLIERS, trade.multiplier), float(trade.outcome == MAX_PROFIT), np.nan)


def _far(reported: float, market: float | None, ratio: float) -> bool:
    return market is None or not 1 / ratio <= reported / market <= ratio


def _stacked(rows: dict[date, _Row], known: Sequence[Feature]) -> TrainingRows:
    days = sorted(rows)
    return TrainingRows(
        known=tuple(known),
        sessions=np.array(days, dtype="datetime64[D]"),
        price=np.array([rows[day].price for day in days]),
        vix=np.array([rows[day].vix for day in days]),
        source=np.full(len(days), PriceSource.GIVEN, dtype=np.int32),
        features=np.array([rows[day].features for day in days]).reshape(len(days), len(known)),
        labels=np.array([rows[day].labels for day in days]).reshape(len(days), len(SD_MULTIPLIERS)),
    )
