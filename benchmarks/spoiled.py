"""Bars and reported trades that follow a champion, spoiled in the ways that a promotion gate should notice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kronos.condor.entry import entry_price, entry_vix
from kronos.condor.spec import CondorSpec
from kronos.market.history import Floats, MarketHistory
from kronos.retraining.reported_trades import ReportedTrade
from kronos.training.recipe import Level, Recency, Recipe

FLIPPED = {"MAX_PROFIT": "PUT_BREACHED", "PUT_BREACHED": "MAX_PROFIT"}
OVERFITTED = Recipe(
    penalty_per_column=1e-3,
    clip_deviations=100.0,
    model_recency=Recency(0.5, 0.0),
    level=Level(0.1, 0.0),
)


@dataclass(frozen=True, eq=False)
class Case:
    """What a retraining is given: bars to the newest session, of which those from `first_new` on are new."""

    history: MarketHistory
    first_new: int
    trades: list[ReportedTrade]
    rng: np.random.Generator
    spec: CondorSpec
    recipe: Recipe | None = None

    def with_new(self, **columns: Floats) -> Case:
        """Other values for the new sessions."""
        kept = self.history.columns
        for name, values in columns.items():
            kept[name] = np.concatenate([kept[name][: self.first_new], values])
        return replace(self, history=MarketHistory(self.history.sessions, kept))

    def new(self, name: str) -> Floats:
        return self.history.columns[name][self.first_new :]


Spoil = Callable[[Case], Case]


def without_reports(spoil: Spoil) -> Spoil:
    return lambda case: replace(spoil(case), trades=[])


def vix_times(factor: float) -> Spoil:
    return lambda case: case.with_new(**{name: factor * case.new(name) for name in ("vix_open", "vix_close")})


def vix_shuffled(case: Case) -> Case:
    order = case.rng.permutation(len(case.new("vix_close")))
    return case.with_new(**{name: case.new(name)[order] for name in ("vix_open", "vix_close")})


def vix_a_day_late(case: Case) -> Case:
    late = {name: case.history.columns[name][case.first_new - 1 : -1] for name in ("vix_open", "vix_close")}
    return case.with_new(**late)


def _moved(case: Case, move: Callable[[Floats, Floats], Floats], first: int) -> Case:
    """The sessions from `first` on with other moves from entry to settlement, given theirs and the expected ones."""
    history, spec = case.history, case.spec
    columns = {name: column.copy() for name, column in history.columns.items()}
    previous = np.concatenate([[np.nan], history.spx_close[:-1]])
    vix = entry_vix(history, spec) if spec.entry == "open" else np.concatenate([[np.nan], history.vix_close[:-1]])
    basis = entry_price(history, spec) if spec.entry == "open" else previous
    moves = move(history.spx_close / basis - 1, vix / 100 / math.sqrt(252))
    for at in range(first, len(history)):
        scale = columns["spx_close"][at - 1] / previous[at]
        for name in ("spx_open", "spx_high", "spx_low"):
            columns[name][at] = history.columns[name][at] * scale
        columns["spx_close"][at] = basis[at] * scale * (1 + moves[at])
        _keep_the_open(history, columns, basis, at, scale)
        columns["spx_high"][at] = max(columns["spx_high"][at], columns["spx_close"][at])
        columns["spx_low"][at] = min(columns["spx_low"][at], columns["spx_close"][at])
    return replace(case, history=MarketHistory(history.sessions, columns))


def _keep_the_open(history: MarketHistory, columns: dict[str, Floats], basis: Floats, at: int, scale: float) -> None:
    """Give SPY the prices that imply the same open, and the same night."""
    of_spy = columns["spy_close"][at - 1] / history.bars["spy_close"][at - 1]
    for name in ("spy_open", "spy_high", "spy_low"):
        columns[name][at] = history.bars[name][at] * of_spy
    columns["spy_close"][at] = columns["spx_close"][at] * columns["spy_open"][at] / (basis[at] * scale)
    columns["spy_high"][at] = max(columns["spy_high"][at], columns["spy_close"][at])
    columns["spy_low"][at] = min(columns["spy_low"][at], columns["spy_close"][at])


def _flipped(moves: Floats, expected: Floats) -> Floats:
    return np.sign(moves) * np.where(np.abs(moves) <= expected, 1.5, 0.3) * expected


def outcomes_flipped(case: Case) -> Case:
    return _moved(case, _flipped, case.first_new)


def newer_half_flipped(case: Case) -> Case:
    return _moved(case, _flipped, (case.first_new + len(case.history)) // 2)


def older_half_flipped(case: Case) -> Case:
    """Then the newer half denies what the older one taught."""
    middle = (case.first_new + len(case.history)) // 2
    return _moved(case, lambda m, e: np.where(np.arange(len(m)) < middle, _flipped(m, e), m), case.first_new)


def noise(case: Case) -> Case:
    """Moves drawn twice as wide as VIX implies, whatever it says."""
    return _moved(case, lambda moves, expected: case.rng.normal(0, 2 * expected), case.first_new)


def reports_flipped(case: Case) -> Case:
    return replace(case, trades=[replace(trade, outcome=FLIPPED[trade.outcome]) for trade in case.trades])


def reports_vix_times_100(case: Case) -> Case:
    return replace(case, trades=[replace(trade, vix=100 * (trade.vix or 0)) for trade in case.trades])


def reports_lie_in_keeping(case: Case) -> Case:
    """Prices 4 % off and lost trades: within what is plausible, and in keeping with the settlement."""
    lies = [replace(trade, price=1.04 * (trade.price or 0), outcome="PUT_BREACHED") for trade in case.trades]
    return replace(case, trades=lies)


def without_bars(case: Case) -> Case:
    return replace(case, history=case.history.slice(0, case.first_new))


def challenger_overfitted(case: Case) -> Case:
    return replace(case, recipe=OVERFITTED)


BARS: dict[str, Spoil] = {
    "bars: outcomes flipped": outcomes_flipped,
    "bars: newer half flipped": newer_half_flipped,
    "bars: older half flipped": older_half_flipped,
    "bars: VIX x 100": vix_times(100),
    "bars: VIX x 3": vix_times(3),
    "bars: VIX / 2": vix_times(0.5),
    "bars: VIX shuffled": vix_shuffled,
    "bars: VIX a day late": vix_a_day_late,
    "bars: noise": noise,
}
SPOILED: dict[str, Spoil] = {
    # Without reports, which would contradict such bars at once.
    **{name: without_reports(spoil) for name, spoil in BARS.items()},
    "reports: flipped": reports_flipped,
    "reports: VIX x 100": reports_vix_times_100,
    "reports: lies in keeping": reports_lie_in_keeping,
    "no bars: honest": without_bars,
    "no bars: flipped": lambda case: without_bars(reports_flipped(case)),
    "no bars: VIX x 100": lambda case: without_bars(reports_vix_times_100(case)),
    "challenger overfitted": challenger_overfitted,
}
