"""The worlds of price side by side: two modelled on volatility, and one that a walk-forward's own curves make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from kronos.backtest import BY_SHORT_DATED, BY_VIX, FairPrices, Prices
from kronos.backtest.trades import sell
from kronos.condor.costs import Costs
from kronos.condor.entry import PriceSource, price_sources
from kronos.condor.shorts import Shorts
from kronos.condor.spec import MULTIPLIERS, SD_MULTIPLIERS, CondorSpec
from kronos.condor.worlds import World
from kronos.errors import TrainingRefusedError
from kronos.features.variants import FULL, Variant
from kronos.market.history import Flags, MarketHistory, Positions
from kronos.progress import Progress
from kronos.training.estimator import walk_variant
from kronos.training.losses import Losses
from kronos.training.recipe import DEFAULT_RECIPES
from kronos.training.rows import TrainingRows, build_rows
from kronos.training.walk_forward import Predictions

FREE: Final = Costs(slippage_points=0, commission_dollars=0)
BY_VOLATILITY: Final[Mapping[World, Prices]] = {World.VIX_ONLY: BY_VIX, World.SHORT_DATED: BY_SHORT_DATED}


def fair_prices(
    tested: Predictions, folds: Sequence[Positions], rows: TrainingRows, history: MarketHistory, spec: CondorSpec
) -> FairPrices | None:
    """The fair credits of a walk-forward, from its first calibrated fold on; None for condors that are not held.

    Parameters
    ----------
    folds : for each model of the walk, the positions in `tested` of what it predicted
    rows : those that the walk was made of
    """
    if spec.management != "hold":
        return None
    shapes = Losses.of_history(history, spec).shapes(tested, folds, rows, spec.horizon_sessions)
    fold = np.empty(len(tested.rows), dtype=np.intp)
    for number, own in enumerate(folds):
        fold[own] = number
    calibrated = slice(tested.first_calibrated, None)
    sessions, curves = tested.rows.sessions[calibrated], tested.probability[calibrated]
    return FairPrices(sessions, MULTIPLIERS, curves, shapes, fold[calibrated])


def efficient_prices(
    fair: FairPrices,
    history: MarketHistory,
    spec: CondorSpec,
    sd_multipliers: Sequence[float | Shorts] = SD_MULTIPLIERS,
    positions: Positions | None = None,
) -> FairPrices:
    """Fair credits with the premium that makes their total the short-dated world's, at each multiplier.

    Only the average is taken from hindsight; which sessions are dear is what the curves said beforehand.

    Parameters
    ----------
    positions : the entry sessions in `history` whose totals are equal; default: all that were predicted
    """
    if positions is None:
        positions = np.flatnonzero(_tradeable(fair, history, spec))
    theirs, ours = (
        sell(history, positions, spec, FREE, tuple(sd_multipliers), prices).credit_points
        for prices in (BY_SHORT_DATED, fair)
    )
    both = ~np.isnan(theirs + ours)
    totals = [np.where(both, credits_of, 0.0).sum(axis=0) for credits_of in (theirs, ours)]
    ratio = np.divide(totals[0], totals[1], out=np.ones_like(totals[0]), where=totals[1] > 0)
    return replace(fair, premium=ratio - 1)


def walked_prices(
    history: MarketHistory,
    spec: CondorSpec,
    variant: Variant = FULL,
    *,
    sd_multipliers: Sequence[float | Shorts] = SD_MULTIPLIERS,
    start: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> FairPrices | None:
    """The efficient world of a history, by a walk-forward of its own; None where no curve prices the condor.

    Parameters
    ----------
    start, end : first and last entry of the sessions whose total is the short-dated world's

    Raises
    ------
    TrainingRefusedError
        If there is too little to train on, or nothing between these dates.
    """
    if spec.management != "hold":
        return None
    rows = build_rows(history, spec)[0]
    walk = walk_variant(rows, variant, spec.horizon_sessions, DEFAULT_RECIPES[spec.entry], jobs=jobs, progress=progress)
    fair = fair_prices(walk.predictions, walk.tested, rows, history, spec)
    if fair is None:
        return None
    chosen = _tradeable(fair, history, spec)
    if start is not None:
        chosen &= history.sessions >= start
    if end is not None:
        chosen &= history.sessions <= end
    if not chosen.any():
        raise TrainingRefusedError("no session between these dates has a prediction from before it")
    return efficient_prices(fair, history, spec, sd_multipliers, np.flatnonzero(chosen))


def _tradeable(fair: FairPrices, history: MarketHistory, spec: CondorSpec) -> Flags:
    """(n,) whether a session was predicted, has a price that a bot could have traded at, and settles."""
    settles = np.arange(len(history)) < len(history) - spec.dte_sessions
    left_out = [code for code in PriceSource if code.is_left_out]
    return fair.covers(history.sessions) & settles & ~np.isin(price_sources(history, spec), left_out)
