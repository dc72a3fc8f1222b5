"""From the curve to money, against a market whose law is known on both sides, and against the integral itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from kronos.condor.spec import MULTIPLIERS, CondorSpec
from kronos.condor.strikes import distances
from kronos.model.fair_value import FairValue, breakeven_win_probability
from kronos.model.loss_shape import EVEN, LossShape
from tests.support.bars import VIX_OF_ONE_PERCENT

FALLS, FALL_SCALE, RISE_SCALE = 0.55, 0.75, 0.5
"""The market falls with this chance; falls and rises are exponential, in expected moves."""


def put_loss(distance: float) -> float:
    return float(FALLS * np.exp(-distance / FALL_SCALE))


def call_loss(distance: float) -> float:
    return float((1 - FALLS) * np.exp(-distance / RISE_SCALE))


PUT_LOSSES = np.array([put_loss(multiplier) for multiplier in MULTIPLIERS])
CALL_LOSSES = np.array([call_loss(multiplier) for multiplier in MULTIPLIERS])
CURVE = 1 - PUT_LOSSES - CALL_LOSSES
SHAPE = LossShape(MULTIPLIERS, PUT_LOSSES / (PUT_LOSSES + CALL_LOSSES), FALL_SCALE, RISE_SCALE)


def curves(low: float = 0.0) -> st.SearchStrategy[list[float]]:
    """Curves that never decrease."""
    return st.lists(st.floats(low, 1), min_size=11, max_size=11).map(sorted)


shares = st.lists(st.floats(0, 1), min_size=11, max_size=11)


def simulated(count: int = 1_000_000) -> np.ndarray:
    """Moves to settlement, in expected moves."""
    rng = np.random.default_rng(0)
    falls = rng.random(count) < FALLS
    return np.where(falls, -rng.exponential(FALL_SCALE, count), rng.exponential(RISE_SCALE, count))


on_the_curve = st.floats(0.0, 1.6)


@pytest.mark.parametrize(("put", "call"), [(0.6, 1.6), (1.0, 1.1), (1.3, 0.9), (1.6, 1.6)])
def test_at_points_of_the_curve_it_is_exact(put: float, call: float) -> None:
    found = SHAPE.win_probability(put, call, MULTIPLIERS, CURVE)
    assert found == pytest.approx(1 - put_loss(put) - call_loss(call), abs=1e-12)


@pytest.mark.parametrize(("put", "call"), [(1.37, 1.04), (0.83, 1.44), (1.51, 0.66)])
def test_a_simulation_wins_as_often(put: float, call: float) -> None:
    move = simulated()
    won = ((move >= -put) & (move <= call)).mean()
    assert SHAPE.win_probability(put, call, MULTIPLIERS, CURVE) == pytest.approx(won, abs=0.002)
    assert abs(EVEN.win_probability(put, call, MULTIPLIERS, CURVE) - won) > 0.004


@given(distance=on_the_curve)
def test_at_equal_distances_it_is_the_curve_whatever_the_share(distance: float) -> None:
    on_curve = np.interp(distance, [0.0, *MULTIPLIERS], [0.0, *CURVE])
    for shape in (SHAPE, EVEN):
        found = shape.win_probability(distance, distance, MULTIPLIERS, CURVE)
        assert found == pytest.approx(on_curve)


@given(put=st.floats(0, 3), call=st.floats(0, 3), share=shares, curve=curves())
def test_it_is_a_probability(put: float, call: float, share: list[float], curve: list[float]) -> None:
    shape = LossShape(MULTIPLIERS, np.array(share))
    assert 0 <= shape.win_probability(put, call, MULTIPLIERS, np.array(curve)) <= 1


@pytest.mark.parametrize(("put", "call"), [(1.8, 1.6), (1.6, 2.4), (3.0, 2.0)])
def test_beyond_the_curves_end_losses_grow_rarer_side_by_side(put: float, call: float) -> None:
    found = SHAPE.win_probability(put, call, MULTIPLIERS, CURVE)
    assert found == pytest.approx(1 - put_loss(put) - call_loss(call), abs=1e-12)


@given(
    put=st.floats(0, 3),
    call=st.floats(0, 3),
    wing=st.floats(0.01, 4),
    other=st.floats(0.01, 4),
    share=shares,
    curve=curves(),
)
def test_the_mean_payout_is_the_exact_integral(
    put: float, call: float, wing: float, other: float, share: list[float], curve: list[float]
) -> None:
    """Both sides apart, between the points of the curve and beyond its end."""
    shape = LossShape(MULTIPLIERS, np.array(share), 0.47, 0.29)
    knots = np.array([0.0, *MULTIPLIERS])
    loss, put_share = np.array([1.0, *(1 - np.array(curve))]), np.array([share[0], *share])

    def passed(at: float, shares_of_side: np.ndarray, excess: float) -> float:
        inside = np.interp(at, knots, loss) * np.interp(at, knots, shares_of_side)
        return float(inside * np.exp(-max(at - MULTIPLIERS[-1], 0) / excess))

    def integral(first: float, width: float, shares_of_side: np.ndarray, excess: float) -> float:
        edges = [first, *(knot for knot in knots if first < knot < first + width), first + width]
        pieces = pairwise(edges)
        return sum(quad(passed, *piece, args=(shares_of_side, excess), epsabs=1e-12)[0] for piece in pieces)

    expected = integral(put, wing, put_share, 0.47) + integral(call, other, 1 - put_share, 0.29)
    found = shape.mean_payout(MULTIPLIERS, np.array([curve]), put, call, wing, other)
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("put", "call", "wing"), [(1.0, 1.0, 0.6), (0.7, 1.4, 2.0), (1.6, 1.6, 1.0), (2.2, 1.9, 3.0)])
def test_a_simulation_pays_as_much(put: float, call: float, wing: float) -> None:
    move = simulated()
    paid = np.clip(-move - put, 0, wing) + np.clip(move - call, 0, wing)
    found = SHAPE.mean_payout(MULTIPLIERS, CURVE[None], put, call, wing)[0, 0]
    linear_between_points = 0.0015
    assert abs(found - paid.mean()) < 4 * paid.std() / np.sqrt(len(paid)) + linear_between_points


def test_many_condors_are_priced_at_once() -> None:
    both = np.array([CURVE, np.sqrt(CURVE)])
    wings = np.array([[0.5], [2.0]])
    found = SHAPE.mean_payout(MULTIPLIERS, both, MULTIPLIERS, MULTIPLIERS, wings)
    assert found.shape == (2, 11)
    for row, (curve, (wing,)) in enumerate(zip(both, wings, strict=True)):
        for at, multiplier in enumerate(MULTIPLIERS):
            alone = SHAPE.mean_payout(MULTIPLIERS, curve[None], multiplier, multiplier, wing)
            assert found[row, at] == pytest.approx(alone[0, 0], rel=1e-12)
    assert (np.diff(found) < 0).all()


def test_one_distance_with_many_wings_and_the_other_way_round() -> None:
    wings, calls = [[0.5, 1.0, 2.0]], [[0.8, 1.0, 1.4]]
    by_wing = SHAPE.mean_payout(MULTIPLIERS, CURVE[None], 1.0, 1.0, wings)
    by_call = SHAPE.mean_payout(MULTIPLIERS, CURVE[None], 1.0, calls, 0.5)
    assert by_wing.shape == by_call.shape == (1, 3)
    assert (np.diff(by_wing) > 0).all()
    assert (np.diff(by_call) < 0).all()
    assert by_call[0, 1] == pytest.approx(by_wing[0, 0])


@pytest.mark.parametrize("sides", [(-0.1, 1.0, 1.0), (1.0, -0.1, 1.0), (1.0, 1.0, -1.0)])
def test_strikes_in_the_money_have_no_price_here(sides: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="in the money"):
        SHAPE.mean_payout(MULTIPLIERS, CURVE[None], *sides)


def test_a_fair_credit_is_in_index_points() -> None:
    fair = FairValue(MULTIPLIERS, CURVE, SHAPE, expected_move_points=20.0)
    in_moves = SHAPE.mean_payout(MULTIPLIERS, CURVE[None], [[1.0, 1.3]], [[1.0, 1.3]], 0.5)
    assert fair.credit_points([1.0, 1.3], 10.0) == pytest.approx(20 * in_moves[0])


def test_at_the_fair_credit_the_curve_breaks_even_before_fees() -> None:
    assert breakeven_win_probability(0.9, 0.5, 0.5, 0.0) == pytest.approx(0.9)
    assert breakeven_win_probability(0.9, 0.5, 0.5, 0.05) == pytest.approx(0.91)
    assert breakeven_win_probability(0.9, 0.5, 0.04, 0.05) == 1.0
    assert breakeven_win_probability(0.9, 0.5, 9.0, 0.05) == 0.0
    assert breakeven_win_probability(1.0, 0.0, 0.5, 0.05) == 0.0
    assert breakeven_win_probability(1.0, 0.0, 0.04, 0.05) == 1.0


def test_distances_are_counted_in_expected_moves() -> None:
    """One expected move is 1 % of 2,000."""
    found = distances(2000.0, VIX_OF_ONE_PERCENT, 1975.0, 2030.0, CondorSpec())
    assert found == pytest.approx((1.25, 1.5))
    two_sessions = distances(2000.0, VIX_OF_ONE_PERCENT, 1975.0, 2030.0, CondorSpec(dte_sessions=1))
    assert two_sessions == pytest.approx((1.25 / np.sqrt(2), 1.5 / np.sqrt(2)))
