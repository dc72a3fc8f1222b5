"""Bars that cannot be what their columns say: another instrument's, on two scales, or misprinted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from kronos.market.history import FAMILIES, Floats, MarketHistory
from kronos.market.sessions import as_date

# The exchange stops trading for the day at -20 %.
LARGEST_SPX_MOVE = 0.25
# SPY has traded beyond SPX's close, and its adjusted closes gain its dividends: from 1993 to 2018 their moves of a day
# differed by 3.1 % at most, on 7 January 2000, and the open that it implies lay at most 3.1 % outside SPX's range, on
# 17 September 2001. A split or an instrument of another level differs by far more.
LARGEST_SPY_DIFFERENCE = 0.05
# Hundredths of SPY's lowest adjusted prices, about 24, are 0.04 %. From 1993 to 2018 no open or close lay outside.
SPY_ROUNDING = 0.001


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that cannot be what its column says, and why, as a line that names the session."""

    session: date
    column: str
    reason: str


def implausible(history: MarketHistory, known: MarketHistory | None = None) -> tuple[Fault, ...]:
    """The values that cannot be true, or cannot stand beside those of the session before.

    Checked are every instrument's closes against its range, SPX's and SPY's moves from one session to the next, SPY's
    open and close against its low and high, and the open that SPY implies against SPX's low and high.

    Parameters
    ----------
    known : the history as it was before bars were added; faults that it had already are left out
    """
    before = frozenset[Fault]() if known is None else frozenset(implausible(known))
    checks = (_outside_range, _spx_jumps, _spy_jumps, _outside_spy_range, _opens_outside_spx_range)
    return tuple(fault for check in checks for fault in check(history) if fault not in before)


def _outside_range(history: MarketHistory) -> Iterator[Fault]:
    for family in FAMILIES:
        column, low, high = f"{family.name}_close", family.lowest, family.highest
        close = history.bars[column]
        for at in np.flatnonzero((close < low) | (close > high)):
            session = as_date(history.sessions[at])
            outside = f"outside {low:g} to {high:g}"
            yield Fault(session, column, f"a {family.name.upper()} close of {close[at]:g} on {session}, {outside}")


def _spx_jumps(history: MarketHistory) -> Iterator[Fault]:
    for at in np.flatnonzero(np.abs(_moves(history.spx_close)) > LARGEST_SPX_MOVE):
        yield _jump(history, "spx", at, "which is further than it can move in a day: are all of these SPX bars?")


def _spy_jumps(history: MarketHistory) -> Iterator[Fault]:
    spx, spy = _moves(history.spx_close), _moves(history.bars["spy_close"])
    for at in np.flatnonzero(np.abs(spy - spx) > LARGEST_SPY_DIFFERENCE):
        yield _jump(
            history,
            "spy",
            at,
            f"a move of {spy[at]:+.1%} where SPX moved by {spx[at]:+.1%}: are all of these SPY bars, on one scale?",
        )


def _outside_spy_range(history: MarketHistory) -> Iterator[Fault]:
    for lower, higher in (("low", "open"), ("low", "close"), ("open", "high"), ("close", "high")):
        low, high = history.bars[f"spy_{lower}"], history.bars[f"spy_{higher}"]
        for at in np.flatnonzero(low > high * (1 + SPY_ROUNDING)):
            session = as_date(history.sessions[at])
            reason = f"a SPY {lower} of {low[at]:g} on {session}, above its {higher} of {high[at]:g}"
            yield Fault(session, f"spy_{lower}", reason)


def _opens_outside_spx_range(history: MarketHistory) -> Iterator[Fault]:
    implied = history.spx_close * history.bars["spy_open"] / history.bars["spy_close"]
    allowed = 1 + LARGEST_SPY_DIFFERENCE
    for at in np.flatnonzero((implied * allowed < history.spx_low) | (implied > history.spx_high * allowed)):
        session = as_date(history.sessions[at])
        range_of_the_day = f"{history.spx_low[at]:g} to {history.spx_high[at]:g}"
        reason = f"SPY's open and close on {session} put SPX's open at {implied[at]:.2f}, far from its range of "
        yield Fault(session, "spy_open", f"{reason}{range_of_the_day}: are both from one source, and adjusted alike?")


def _moves(close: Floats) -> Floats:
    """(n,) the move from the close of the session before, as a fraction; NaN where either has no bar."""
    return np.append(np.nan, close[1:] / close[:-1] - 1)


def _jump(history: MarketHistory, name: str, at: np.intp, complaint: str) -> Fault:
    column = f"{name}_close"
    close, (before, session) = history.bars[column], map(as_date, history.sessions[at - 1 : at + 1])
    closes = f"{name.upper()} closes at {close[at - 1]:g} on {before} and at {close[at]:g} on {session}"
    return Fault(session, column, f"{closes}, {complaint}")
