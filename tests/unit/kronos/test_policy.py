"""From probability to decision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ares_client.contract import TradingAdvice
from kronos.condor.spec import SD_MULTIPLIERS
from kronos.model.policy import Decision, Policy, TradeAction
from kronos.model.prediction import Prediction

GRID = np.array(SD_MULTIPLIERS)
CURVE = np.linspace(0.6, 0.95, len(GRID))
BASE = 0.85


def said(probability: float, base: float = BASE) -> Prediction:
    return Prediction(probability, base, GRID, CURVE, np.full(len(GRID), base))


def decide(probability: float, policy: Policy | None = None, *, may_trade_full: bool = True) -> Decision:
    return (policy or Policy()).decide(said(probability), may_trade_full=may_trade_full)


@pytest.mark.parametrize(
    ("probability", "advice", "risk_pct"),
    [
        (0.0, TradeAction.SKIP_TODAY, 0.0),
        (0.7499, TradeAction.SKIP_TODAY, 0.0),
        (0.7501, TradeAction.TRADE_REDUCED, 3.0),
        (0.79, TradeAction.TRADE_REDUCED, 5.5),
        (0.8299, TradeAction.TRADE_REDUCED, 8.0),
        (0.8301, TradeAction.TRADE_FULL, 10.0),
        (1.0, TradeAction.TRADE_FULL, 10.0),
    ],
)
def test_thresholds_stand_relative_to_the_base_rate(probability: float, advice: TradeAction, risk_pct: float) -> None:
    decision = decide(probability)
    assert decision.advice is advice
    assert decision.suggested_risk_pct == pytest.approx(risk_pct, abs=0.01)


@pytest.mark.parametrize("base", [0.7, 0.83, 0.9, 0.95])
def test_the_thresholds_belong_to_the_better_side(base: float) -> None:
    policy = Policy()
    at_full = policy.decide(said(base - policy.full_within_base, base))
    at_skip = policy.decide(said(base - policy.skip_below_base, base))
    assert at_full.advice is TradeAction.TRADE_FULL
    assert at_skip.advice is TradeAction.TRADE_REDUCED


def test_a_degraded_answer_never_trades_full_but_may_skip() -> None:
    assert decide(0.99, may_trade_full=False).advice is TradeAction.TRADE_REDUCED
    assert decide(0.99, may_trade_full=False).suggested_risk_pct == 8.0
    assert decide(0.5, may_trade_full=False).advice is TradeAction.SKIP_TODAY


def test_the_multiplier_is_the_smallest_that_reaches_the_target() -> None:
    assert decide(0.85).suggested_sd_multiplier == GRID[CURVE >= BASE][0]
    assert decide(0.8, Policy(target_probability=0.01)).suggested_sd_multiplier == 0.8
    assert decide(0.8, Policy(target_probability=0.99)).suggested_sd_multiplier == 1.5


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 20), st.booleans())
def test_risk_stays_within_its_cap_and_rises_with_the_probability(
    one: float, other: float, cap: float, full: bool
) -> None:
    policy = Policy(risk_cap_pct=cap)
    low, high = sorted([one, other])
    risks = [decide(p, policy, may_trade_full=full).suggested_risk_pct for p in (low, high)]
    assert 0 <= risks[0] <= risks[1] <= cap


def test_thresholds_that_cross_are_refused() -> None:
    with pytest.raises(ValueError, match="full_within_base"):
        Policy(skip_below_base=0.02, full_within_base=0.02)


def test_the_wire_knows_the_same_advice() -> None:
    assert [advice.value for advice in TradeAction] == [advice.value for advice in TradingAdvice]
