"""Unequal short strikes: the probability against a market whose law is known on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kronos.condor.spec import MULTIPLIERS, CondorSpec
from kronos.condor.strikes import distances
from kronos.model.unequal_sides import EVEN, PutShare, win_probability
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
SHARE = PutShare(MULTIPLIERS, PUT_LOSSES / (PUT_LOSSES + CALL_LOSSES))

near_or_far = st.floats(0.1, 3.0)


@pytest.mark.parametrize(("put", "call"), [(0.6, 1.6), (1.0, 1.1), (1.3, 0.9), (1.6, 1.6)])
def test_at_points_of_the_curve_it_is_exact(put: float, call: float) -> None:
    found = win_probability(put, call, MULTIPLIERS, CURVE, SHARE)
    assert found == pytest.approx(1 - put_loss(put) - call_loss(call), abs=1e-12)


@pytest.mark.parametrize(("put", "call"), [(1.37, 1.04), (0.83, 1.44), (1.51, 0.66)])
def test_a_simulation_wins_as_often(put: float, call: float) -> None:
    rng = np.random.default_rng(0)
    count = 1_000_000
    falls = rng.random(count) < FALLS
    move = np.where(falls, -rng.exponential(FALL_SCALE, count), rng.exponential(RISE_SCALE, count))
    won = ((move >= -put) & (move <= call)).mean()
    assert win_probability(put, call, MULTIPLIERS, CURVE, SHARE) == pytest.approx(won, abs=0.002)
    assert abs(win_probability(put, call, MULTIPLIERS, CURVE, EVEN) - won) > 0.004


@given(distance=near_or_far)
def test_at_equal_distances_it_is_the_curve_whatever_the_share(distance: float) -> None:
    on_curve = np.interp(distance, MULTIPLIERS, CURVE)
    for share in (SHARE, EVEN):
        assert win_probability(distance, distance, MULTIPLIERS, CURVE, share) == pytest.approx(on_curve)


@given(put=near_or_far, call=near_or_far, share=st.lists(st.floats(0, 1), min_size=11, max_size=11))
def test_it_is_a_probability(put: float, call: float, share: list[float]) -> None:
    low = np.linspace(0.0, 0.4, 11)
    assert 0 <= win_probability(put, call, MULTIPLIERS, low, PutShare(MULTIPLIERS, np.array(share))) <= 1


def test_beyond_its_ends_the_curve_is_constant() -> None:
    ends = win_probability(0.6, 1.6, MULTIPLIERS, CURVE, SHARE)
    assert win_probability(0.2, 2.5, MULTIPLIERS, CURVE, SHARE) == ends


def test_distances_are_counted_in_expected_moves() -> None:
    """One expected move is 1 % of 2,000."""
    found = distances(2000.0, VIX_OF_ONE_PERCENT, 1975.0, 2030.0, CondorSpec())
    assert found == pytest.approx((1.25, 1.5))
    two_sessions = distances(2000.0, VIX_OF_ONE_PERCENT, 1975.0, 2030.0, CondorSpec(dte_sessions=1))
    assert two_sessions == pytest.approx((1.25 / np.sqrt(2), 1.5 / np.sqrt(2)))
