"""Bars that cannot be those of their instrument."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from kronos.market.history import FAMILIES, Family, MarketHistory
from kronos.market.plausible import LARGEST_SPY_DIFFERENCE, SPY_ROUNDING, implausible
from kronos.market.sessions import as_date
from tests.support.bars import bars
from tests.support.evaluation import evaluation_history, needs_evaluation_data

CLOSES = [2000.0, 2100.0, 2050.0, 2075.0]


def beside_spy(spy: list[float]) -> MarketHistory:
    history = bars(CLOSES)
    for price in ("open", "high", "low", "close"):
        history.bars[f"spy_{price}"][:] = spy
    return history


def session(history: MarketHistory, at: int) -> date:
    return as_date(history.sessions[at])


def test_true_bars_have_no_fault(sample: MarketHistory) -> None:
    assert implausible(sample) == ()
    assert implausible(beside_spy([level * 0.083 for level in CLOSES])) == ()


@needs_evaluation_data
def test_the_bound_on_spy_is_well_above_all_that_was_seen() -> None:
    history = evaluation_history()
    assert implausible(history) == ()
    spx, spy = (history.bars[name][1:] / history.bars[name][:-1] for name in ("spx_close", "spy_close"))
    largest = np.nanmax(np.abs(spy - spx))
    assert 0.03 < largest < 0.032
    assert largest < LARGEST_SPY_DIFFERENCE / 1.5


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_instrument_has_a_range(family: Family) -> None:
    for value, inside in (
        (family.lowest, True),
        (family.highest, True),
        (family.lowest * 0.99, False),
        (family.highest * 1.01, False),
    ):
        history = bars(CLOSES[:1])
        history.bars[f"{family.name}_close"][0] = value
        faults = [] if inside else [(session(history, 0), f"{family.name}_close")]
        assert [(fault.session, fault.column) for fault in implausible(history)] == faults


@pytest.mark.parametrize(("apart", "faults"), [(0.9, 0), (1.1, 1), (-0.9, 0), (-1.1, 1)])
def test_spy_moves_with_spx(apart: float, faults: int) -> None:
    spy = [level / 10 for level in CLOSES]
    spy[3] = spy[2] * (CLOSES[3] / CLOSES[2] + apart * LARGEST_SPY_DIFFERENCE)
    history = beside_spy(spy)
    assert [(fault.session, fault.column) for fault in implausible(history)] == [
        (session(history, 3), "spy_close")
    ] * faults


def test_moves_are_compared_between_neighbours_only() -> None:
    assert implausible(beside_spy([200.0, np.nan, 100.0, 100.0 * CLOSES[3] / CLOSES[2]])) == ()


@pytest.mark.parametrize("price", ["open", "close"])
@pytest.mark.parametrize(("side", "sign"), [("low", 1), ("high", -1)])
@pytest.mark.parametrize(("share", "faults"), [(0.9, 0), (1.5, 1)])
def test_spy_lies_within_its_range_but_for_rounding(
    price: str, side: str, sign: int, share: float, faults: int
) -> None:
    history = beside_spy([level / 10 for level in CLOSES])
    history.bars["spy_high"][:] *= 1.01
    history.bars["spy_low"][:] *= 0.99
    history.bars[f"spy_{price}"][1] = history.bars[f"spy_{side}"][1] * (1 - sign * share * SPY_ROUNDING)
    found = implausible(history)
    assert len(found) == faults
    assert all(fault.session == session(history, 1) and side in fault.reason for fault in found)


def test_faults_that_are_known_are_not_told_again() -> None:
    known = beside_spy([200.0, 100.0, np.nan, np.nan])
    assert len(implausible(known)) == 1
    now = beside_spy([200.0, 100.0, 100.0 * CLOSES[2] / CLOSES[1], 150.0])
    assert [fault.session for fault in implausible(now, known)] == [session(now, 3)]
