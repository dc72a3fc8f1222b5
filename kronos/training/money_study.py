"""The policy as an account, beside the rules that a trader would use instead, in every world of price.

At each fold the policy is learned anew from the predictions that had settled before it. All accounts risk the same
share of their equity on every trade, so that they differ only in the sessions they choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from kronos.backtest import Trades
from kronos.backtest.trades import sell
from kronos.condor.costs import DEFAULT_COSTS, SURVIVABLE_RISK_PCT
from kronos.condor.entry import entry_vix
from kronos.condor.short_dated import index_at_entry
from kronos.condor.spec import DEFAULT_SD_MULTIPLIER, CondorSpec
from kronos.condor.worlds import World
from kronos.market.history import Flags, Floats, MarketHistory, Positions, years_of
from kronos.market.sessions import SESSIONS_PER_YEAR, Days
from kronos.statistics.intervals import bootstrap_counts, central, mean_error
from kronos.statistics.ratios import sharpe
from kronos.training.policy_fit import walked_fractions
from kronos.training.rows import TrainingRows
from kronos.training.sizing import RISKS_PCT, drawdown_quantile, worst_drawdown
from kronos.training.walk_forward import Predictions
from kronos.training.worlds import BY_VOLATILITY, efficient_prices, fair_prices

POLICY: Final = "the policy"
ALWAYS: Final = "always"
FARTHER: Final = 1.3
FARTHER_RULE: Final = f"always at {FARTHER:g}"
VIX_LIMITS: Final = (20, 25, 30)
SHORTFALL_SHARE: Final = 0.05
SEED: Final = 0
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class AccountScores:
    """One way of choosing sessions, in one world of price; intervals are 95 %, by block bootstrap.

    Attributes
    ----------
    traded_share : of the sessions
    pnl_dollars : mean net P&L of one condor, over those traded; None if there are none
    growth_pct : of the account, a year
    max_drawdown_pct : over the whole time
    sharpe : of all sessions' returns, traded or not; None if they never vary
    shortfall_pct : mean return of the worst twentieth of the sessions, of the account
    """

    rule: str
    world: World
    sessions: int
    traded_share: float
    pnl_dollars: float | None
    pnl_interval: Interval | None
    growth_pct: float
    growth_interval: Interval
    max_drawdown_pct: float
    sharpe: float | None
    sharpe_interval: Interval | None
    shortfall_pct: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What the policy's choice earned, in dollars of one condor after costs; `difference` is traded minus skipped."""

    world: World
    mean_traded: float | None
    mean_skipped: float | None
    difference: float | None
    difference_interval: Interval | None


@dataclass(frozen=True, slots=True)
class SizeScores:
    """An account at one size: growth a year, and the 95th percentile of the worst drawdown within a year, in %."""

    rule: str
    world: World
    risk_pct: float
    growth_pct: float
    year_drawdown_pct: float


@dataclass(frozen=True, eq=False)
class MoneyStudy:
    """Every tested session's condor in every world, and who would have traded it.

    Attributes
    ----------
    sessions : (n,)
    worlds : what condors at multipliers 1.0 and 1.3 earned, (n, 2)
    rules : (n,) fraction of a full trade's risk, 0 to 1, by rule; those of the policy are out of sample
    risk_pct : of equity, that all accounts risk on a full trade
    """

    sessions: Days
    worlds: Mapping[World, Trades]
    rules: Mapping[str, Floats]
    risk_pct: float = SURVIVABLE_RISK_PCT

    @cached_property
    def accounts(self) -> list[AccountScores]:
        """Every rule in every world."""
        counts = bootstrap_counts(len(self.sessions), np.random.default_rng(SEED))
        return [self._account(rule, world, counts) for world in self.worlds for rule in self.rules]

    @cached_property
    def choices(self) -> list[Choice]:
        """What the policy's choice of sessions earned in every world."""
        counts = bootstrap_counts(len(self.sessions), np.random.default_rng(SEED))
        return [self._choice(world, counts) for world in self.worlds]

    @cached_property
    def edges_by_year(self) -> dict[str, dict[World, Interval]]:
        """Mean P&L of one condor at 1.0 before costs in dollars, and half its 95 % interval, by year and world."""
        years = years_of(self.sessions)
        return {
            str(year): {world: self._edge(world, years == year) for world in self.worlds} for year in np.unique(years)
        }

    @cached_property
    def edges(self) -> dict[World, Interval]:
        """The same over all sessions."""
        return {world: self._edge(world, np.ones(len(self.sessions), dtype=bool)) for world in self.worlds}

    @cached_property
    def sizes(self) -> list[SizeScores]:
        """The policy and always trading, at every size, in every world.

        As for the size that ships, sessions count whose modelled credit would not pay the slippage.
        """
        return [
            SizeScores(
                rule,
                world,
                float(risk),
                _growth_pct(np.log1p(risk / 100 * on_risk).mean()),
                100 * drawdown_quantile(on_risk, float(risk)),
            )
            for rule in (POLICY, ALWAYS)
            for world in self.worlds
            for on_risk in [self._on_risk(rule, world, every=True)]
            for risk in RISKS_PCT
        ]

    def growth_gain(self, world: World) -> tuple[str, float, Interval]:
        """The simple rule that grew most, and what the policy grew more than it, in % a year, paired by session."""
        growth = {rule: np.log1p(self.risk_pct / 100 * self._on_risk(rule, world)) for rule in self.rules}
        best = max((rule for rule in growth if rule != POLICY), key=lambda rule: float(growth[rule].mean()))
        gain = 100 * SESSIONS_PER_YEAR * (growth[POLICY] - growth[best])
        counts = bootstrap_counts(len(gain), np.random.default_rng(SEED))
        return best, float(gain.mean()), central(counts @ gain / counts.sum(axis=1))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "risk_pct": self.risk_pct,
            "accounts": [asdict(one) for one in self.accounts],
            "choices": [asdict(one) for one in self.choices],
            "edges": _plain(self.edges),
            "edges_by_year": {year: _plain(edges) for year, edges in self.edges_by_year.items()},
            "sizes": [asdict(one) for one in self.sizes],
        }

    def net_dollars(self, world: World, column: int = 0) -> Floats:
        """(n,) net P&L of one condor; 0 where its credit would not have paid the slippage."""
        trades = self.worlds[world]
        return np.where(trades.sold[:, column], trades.net_pnl_dollars[:, column], 0.0)

    def _on_risk(self, rule: str, world: World, *, every: bool = False) -> Floats:
        """(n,) net P&L over what a full trade puts at risk; of every session, or of those that would be sold."""
        column = 1 if rule == FARTHER_RULE else 0
        trades = self.worlds[world]
        sold = every | trades.sold[:, column]
        on_risk = trades.net_pnl_dollars[:, column] / trades.worst_loss_dollars[:, column]
        return np.asarray(self.rules[rule] * np.where(sold, on_risk, 0.0))

    def _account(self, rule: str, world: World, counts: Floats) -> AccountScores:
        column = 1 if rule == FARTHER_RULE else 0
        returns = self.risk_pct / 100 * self._on_risk(rule, world)
        traded = (self.rules[rule] > 0) & self.worlds[world].sold[:, column]
        net = self.net_dollars(world, column)
        growth, drawn = np.log1p(returns), counts.sum(axis=1)
        ratio = sharpe(returns)
        means, squares = counts @ returns / drawn, counts @ returns**2 / drawn
        ratios = means / np.sqrt(np.maximum(squares - means**2, 1e-300)) * np.sqrt(SESSIONS_PER_YEAR)
        worst = max(round(SHORTFALL_SHARE * len(returns)), 1)
        return AccountScores(
            rule=rule,
            world=world,
            sessions=len(returns),
            traded_share=float(traded.mean()),
            pnl_dollars=float(net[traded].mean()) if traded.any() else None,
            pnl_interval=_interval_of_mean(net, traded, counts),
            growth_pct=_growth_pct(growth.mean()),
            growth_interval=central(np.asarray([_growth_pct(one) for one in counts @ growth / drawn])),
            max_drawdown_pct=100 * float(worst_drawdown(self._on_risk(rule, world), self.risk_pct)),
            sharpe=ratio,
            sharpe_interval=None if ratio is None else central(ratios),
            shortfall_pct=100 * float(np.sort(returns)[:worst].mean()),
        )

    def _choice(self, world: World, counts: Floats) -> Choice:
        net, sold = self.net_dollars(world), self.worlds[world].sold[:, 0]
        taken, left = sold & (self.rules[POLICY] > 0), sold & (self.rules[POLICY] == 0)
        means = [float(net[chosen].mean()) if chosen.any() else None for chosen in (taken, left)]
        if means[0] is None or means[1] is None:
            return Choice(world, means[0], means[1], None, None)
        drawn = [counts[:, chosen].sum(axis=1) for chosen in (taken, left)]
        both = (drawn[0] > 0) & (drawn[1] > 0)
        sampled = [(counts[both][:, chosen] @ net[chosen]) for chosen in (taken, left)]
        difference = sampled[0] / drawn[0][both] - sampled[1] / drawn[1][both]
        return Choice(world, means[0], means[1], means[0] - means[1], central(difference))

    def _edge(self, world: World, chosen: Flags) -> Interval:
        gross = self.worlds[world].gross_pnl_dollars(DEFAULT_COSTS)[chosen, 0]
        return float(gross.mean()), mean_error(gross)


def study_money(
    tested: Predictions,
    folds: Sequence[Positions],
    scored: Positions,
    rows: TrainingRows,
    history: MarketHistory,
    spec: CondorSpec,
) -> MoneyStudy:
    """Trade the scored sessions by every rule, in every world that can be made.

    Parameters
    ----------
    folds : for each model of the walk, the positions in `tested` of what it predicted
    scored : positions in `tested`
    rows : those that the walk was made of
    """
    sessions = tested.rows.sessions[scored]
    positions = np.searchsorted(history.sessions, sessions)
    multipliers = (DEFAULT_SD_MULTIPLIER, FARTHER)
    offered = dict(BY_VOLATILITY)
    fair = fair_prices(tested, folds, rows, history, spec)
    if fair is not None:
        offered[World.EFFICIENT] = efficient_prices(fair, history, spec, multipliers, positions)
    worlds = {
        world: sell(history, positions, spec, DEFAULT_COSTS, multipliers, prices) for world, prices in offered.items()
    }
    policy = walked_fractions(tested, folds, history, spec)[scored]
    rules = {POLICY: policy, **_simple_rules(history, spec, positions)}
    return MoneyStudy(sessions, worlds, rules)


def _simple_rules(history: MarketHistory, spec: CondorSpec, positions: Positions) -> dict[str, Floats]:
    """(n,) 1.0 or 0.0; where an index is not known, its rule trades."""
    vix = entry_vix(history, spec)[positions]
    vix3m, vix9d = (index_at_entry(history, spec, name)[positions] for name in ("vix3m", "vix9d"))
    skips = {f"skip VIX above {limit}": vix > limit for limit in VIX_LIMITS}
    skips |= {"skip VIX above VIX3M": vix > vix3m, "skip VIX9D above VIX": vix9d > vix}
    always = np.ones(len(positions))
    return {ALWAYS: always, **{rule: np.where(skip, 0.0, 1.0) for rule, skip in skips.items()}, FARTHER_RULE: always}


def _growth_pct(mean_log_growth: float) -> float:
    return 100 * float(np.expm1(SESSIONS_PER_YEAR * mean_log_growth))


def _interval_of_mean(values: Floats, chosen: Flags, counts: Floats) -> Interval | None:
    drawn = counts[:, chosen].sum(axis=1)
    if not (drawn > 0).any():
        return None
    return central((counts[:, chosen] @ values[chosen])[drawn > 0] / drawn[drawn > 0])


def _plain(edges: Mapping[World, Interval]) -> dict[str, dict[str, float]]:
    return {world.value: {"mean_dollars": mean, "error_dollars": error} for world, (mean, error) in edges.items()}
