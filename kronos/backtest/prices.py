"""What condors are sold at: a modelled world, the fair credits of a model, or quotes. One interface for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kronos.backtest.exits import Exit, Marks, modelled_marks
from kronos.condor.costs import Costs
from kronos.condor.pricing import SHORT_DATED, VIX_ONLY, Surface, condor_value, life_in_sessions
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import Strikes
from kronos.condor.worlds import World
from kronos.market.history import Flags, Floats, MarketHistory, Positions
from kronos.market.sessions import Days
from kronos.model.loss_shape import LossShape


@dataclass(frozen=True, eq=False)
class Offer:
    """Condors to be sold.

    Attributes
    ----------
    positions : (n,) entry sessions in `history`, which also holds their settlements
    price : (n,) SPX at entry
    expected_move : (n,) in index points
    strikes : (n, k) listed strikes
    """

    history: MarketHistory
    spec: CondorSpec
    positions: Positions
    price: Floats
    expected_move: Floats
    strikes: Strikes

    @property
    def sessions(self) -> Days:
        """(n,) entries."""
        return self.history.sessions[self.positions]


class Prices(Protocol):
    """Where credits come from."""

    @property
    def source(self) -> str:
        """A name for files: a world's, or `quoted`."""
        ...

    @property
    def money(self) -> str:
        """What tables call this money."""
        ...

    @property
    def surface(self) -> Surface:
        """What buying a condor back is modelled on."""
        ...

    @property
    def credit_costs_slippage(self) -> bool:
        """Whether slippage comes off the price to make the credit; natural prices include it."""
        ...

    @property
    def uncovered(self) -> str | None:
        """Why sessions before the first or after the last price are left out; None where that goes without saying."""
        ...

    def covers(self, sessions: Days) -> Flags:
        """(n,) whether a session can have a price."""
        ...

    def price_at_entry(self, sessions: Days, price: Floats) -> Floats:
        """(n,) SPX at entry, where these prices know better than the bars."""
        ...

    def credit_points(self, offer: Offer, costs: Costs) -> Floats:
        """(n, k) what the condors sell for after slippage; NaN where they cannot be sold."""
        ...

    def marks(self, offer: Offer, leaving: Exit) -> Marks:
        """What buying the condors back costs, moment by moment."""
        ...


def marks_on(surface: Surface, offer: Offer, leaving: Exit) -> Marks:
    """Marks on a surface, along a path that the daily bars allow."""
    moments = modelled_marks(offer.history, offer.positions, offer.strikes, offer.spec, surface, leaving)
    return Marks(moments, quoted=False, cost_slippage=True)


class ModelledMarks:
    """Buying back early at prices on the surface."""

    surface: Surface
    uncovered: str | None = None
    credit_costs_slippage = True

    def marks(self, offer: Offer, leaving: Exit) -> Marks:
        """Along a path that the daily bars allow."""
        return marks_on(self.surface, offer, leaving)


@dataclass(frozen=True, eq=False)
class SurfacePrices(ModelledMarks):
    """Black and Scholes on a surface."""

    surface: Surface

    @property
    def source(self) -> str:
        """The world's name."""
        return self.surface.world.value

    @property
    def money(self) -> str:
        """What tables call this money."""
        return self.surface.world.money

    def covers(self, sessions: Days) -> Flags:
        """Every session."""
        return np.ones(len(sessions), dtype=bool)

    def price_at_entry(self, sessions: Days, price: Floats) -> Floats:
        """The bars' price."""
        return price

    def credit_points(self, offer: Offer, costs: Costs) -> Floats:
        """The modelled mid value less slippage."""
        life = life_in_sessions(offer.history.sessions, offer.spec)[offer.positions, None]
        index = self.surface.index(offer.history, offer.spec)[offer.positions, None]
        mid = condor_value(offer.price[:, None], index, offer.strikes, offer.spec.entry, life, self.surface)
        return mid - costs.trade_slippage_points


@dataclass(frozen=True, eq=False)
class FairPrices(ModelledMarks):
    """The fair credits of out-of-fold curves, times one plus a premium: a market that knows what the model knows.

    Attributes
    ----------
    sessions : (s,) ascending, those that were predicted
    multipliers, curves : (c,) and (s, c) their curves
    shapes : the shape of the losses that had settled before each fold
    fold : (s,) which of `shapes` belongs to each session
    premium : as a fraction of the fair credit; one, or (k,) by multiplier sold
    """

    sessions: Days
    multipliers: Floats
    curves: Floats
    shapes: tuple[LossShape, ...]
    fold: Positions
    premium: Floats | float = 0.0
    source: str = World.EFFICIENT.value
    money: str = World.EFFICIENT.money
    surface: Surface = SHORT_DATED
    uncovered: str | None = "not_predicted"

    def covers(self, sessions: Days) -> Flags:
        """The sessions that were predicted."""
        return np.isin(sessions, self.sessions)

    def price_at_entry(self, sessions: Days, price: Floats) -> Floats:
        """The bars' price."""
        return price

    def credit_points(self, offer: Offer, costs: Costs) -> Floats:
        """The fair credit at the listed strikes, with the premium, less slippage."""
        fair = self.fair_credit_points(offer)
        credit = (1 + np.broadcast_to(self.premium, fair.shape[1:])) * fair
        return np.minimum(credit, np.minimum(*offer.strikes.wings)) - costs.trade_slippage_points

    def fair_credit_points(self, offer: Offer) -> Floats:
        """(n, k) mean payout by the curves at listed strikes; NaN where a session was not predicted."""
        found = np.full(offer.strikes.put_short.shape, np.nan)
        at = np.minimum(np.searchsorted(self.sessions, offer.sessions), len(self.sessions) - 1)
        sound = self.covers(offer.sessions) & ~np.isnan(offer.expected_move)
        for fold, shape in enumerate(self.shapes):
            chosen = np.flatnonzero(sound & (self.fold[at] == fold))
            if len(chosen):
                found[chosen] = self._priced(offer, chosen, shape, self.curves[at[chosen]])
        return found

    def _priced(self, offer: Offer, chosen: Positions, shape: LossShape, curves: Floats) -> Floats:
        price, move = offer.price[chosen, None], offer.expected_move[chosen, None]
        strikes = Strikes(*(side[chosen] for side in offer.strikes))
        put, call = (price - strikes.put_short) / move, (strikes.call_short - price) / move
        put_wing, call_wing = ((wide / move) for wide in strikes.wings)
        return shape.mean_payout(self.multipliers, curves, put, call, put_wing, call_wing) * move


BY_VIX: SurfacePrices = SurfacePrices(VIX_ONLY)
BY_SHORT_DATED: SurfacePrices = SurfacePrices(SHORT_DATED)
