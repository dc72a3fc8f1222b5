"""From probability and quote to decision and size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ares_client.contract import TradingAdvice
from kronos.condor.costs import SURVIVABLE_RISK_PCT
from kronos.condor.spec import SD_MULTIPLIERS
from kronos.model.policy import Decision, Policy, TradeAction
from kronos.model.prediction import Prediction

GRID = np.array(SD_MULTIPLIERS)
CURVE = np.linspace(0.6, 0.95, len(GRID))
BASE, RECENT = 0.85, 0.91
PLAIN = Policy(skip_below=0.05, full_within=0.05, risk_cap_pct=4.0)
WITH_REDUCED = Policy(skip_below=0.10, full_within=0.02, reduced_low=0.3, reduced_high=0.8, risk_cap_pct=4.0)
FIRST_KIND = {"skip_below_base": 0.10, "full_within_base": 0.02, "full_risk_pct": 10.0, "risk_cap_pct": 10.0}

probabilities = st.floats(0, 1)
credits_quoted = st.floats(0.01, 9.99)


def said(probability: float) -> Prediction:
    return Prediction(probability, BASE, GRID, CURVE, np.full(len(GRID), BASE))


def decide(probability: float, policy: Policy = PLAIN, **more: object) -> Decision:
    return policy.decide(said(probability), **({"recent_rate": RECENT} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("probability", "advice", "risk_pct"),
    [
        (0.0, TradeAction.SKIP_TODAY, 0.0),
        (0.8599, TradeAction.SKIP_TODAY, 0.0),
        (0.8601, TradeAction.TRADE_FULL, 4.0),
        (1.0, TradeAction.TRADE_FULL, 4.0),
    ],
)
def test_the_margin_stands_below_the_recent_rate(probability: float, advice: TradeAction, risk_pct: float) -> None:
    decision = decide(probability)
    assert decision.advice is advice
    assert decision.suggested_risk_pct == pytest.approx(risk_pct)


def test_without_a_recent_rate_the_base_rate_is_the_reference() -> None:
    assert decide(0.8001, recent_rate=None).advice is TradeAction.TRADE_FULL
    assert decide(0.7999, recent_rate=None).advice is TradeAction.SKIP_TODAY


@pytest.mark.parametrize(
    ("probability", "advice", "risk_pct"),
    [
        (0.8099, TradeAction.SKIP_TODAY, 0.0),
        (0.8101, TradeAction.TRADE_REDUCED, 1.2),
        (0.85, TradeAction.TRADE_REDUCED, 2.2),
        (0.8899, TradeAction.TRADE_REDUCED, 3.2),
        (0.8901, TradeAction.TRADE_FULL, 4.0),
    ],
)
def test_between_two_margins_the_size_is_reduced(probability: float, advice: TradeAction, risk_pct: float) -> None:
    decision = decide(probability, WITH_REDUCED)
    assert decision.advice is advice
    assert decision.suggested_risk_pct == pytest.approx(risk_pct, abs=0.01)


def test_a_degraded_answer_never_trades_full_but_may_skip() -> None:
    assert decide(0.99, may_trade_full=False).advice is TradeAction.TRADE_REDUCED
    assert decide(0.99, may_trade_full=False).suggested_risk_pct == PLAIN.reduced_high * 4.0
    assert decide(0.5, may_trade_full=False).advice is TradeAction.SKIP_TODAY


def test_the_bots_own_risk_caps_the_size_and_zero_means_zero() -> None:
    assert decide(0.95).risk_fraction == pytest.approx(0.4)  # 4 % of the guide's 10 %
    assert decide(0.95, largest_risk_pct=1.0) == Decision(TradeAction.TRADE_FULL, 1.0, 1.0)
    assert decide(0.95, largest_risk_pct=8.0) == Decision(TradeAction.TRADE_FULL, 0.5, 4.0)
    assert decide(0.95, largest_risk_pct=0.0) == Decision(TradeAction.TRADE_FULL, 0.0, 0.0)


def test_a_quote_without_expected_profit_skips() -> None:
    fair, fees = 0.50, PLAIN.fees_points
    assert fees == pytest.approx(0.026)
    barely = PLAIN.value(fair + 2 * fees + 0.001, fair)
    assert barely.expected_pnl == pytest.approx(0.0005)
    assert decide(0.95, quote=barely).advice is TradeAction.TRADE_FULL
    assert 0 < decide(0.95, quote=barely).suggested_risk_pct < 0.2
    short = PLAIN.value(fair + 2 * fees - 0.001, fair)
    assert decide(0.95, quote=short) == Decision(TradeAction.SKIP_TODAY, 0.0, 0.0)


def test_a_quote_is_worth_what_lies_between_the_curve_and_the_market() -> None:
    """Half of the credit over the fair one is believed, and the fees come off it."""
    quote = PLAIN.value(0.90, 0.50)
    assert quote.mean_payout == pytest.approx(0.70)
    assert quote.edge == pytest.approx(0.40)
    assert quote.expected_pnl == pytest.approx(0.20 - 0.026)
    trusting = Policy(quote_weight=0.0).value(0.90, 0.50)
    assert trusting.expected_pnl == pytest.approx(0.40 - 0.026)


@pytest.mark.parametrize(
    ("credit", "fair", "implausible"),
    [(1.6, 0.5, True), (1.49, 0.5, False), (0.65, 0.2, False), (0.71, 0.2, True), (5.0, 2.0, False)],
)
def test_a_quote_three_times_fair_and_half_a_point_over_it_is_implausible(
    credit: float, fair: float, implausible: bool
) -> None:
    assert PLAIN.value(credit, fair).is_implausible is implausible


@given(
    probability=probabilities,
    credit=credits_quoted,
    fair=credits_quoted,
    own=st.floats(0, 100),
    full=st.booleans(),
    policy=st.sampled_from([PLAIN, WITH_REDUCED, Policy(), Policy.read(FIRST_KIND)]),
)
def test_a_quote_only_makes_smaller_and_nothing_exceeds_the_bots_cap(
    probability: float, credit: float, fair: float, own: float, full: bool, policy: Policy
) -> None:
    quote = policy.value(credit, fair)
    asked = {"largest_risk_pct": own, "may_trade_full": full}
    without, quoted = decide(probability, policy, **asked), decide(probability, policy, quote=quote, **asked)
    assert 0 <= quoted.suggested_risk_pct <= without.suggested_risk_pct <= min(own, policy.risk_cap_pct)
    assert 0 <= quoted.risk_fraction <= without.risk_fraction <= 1
    if quote.expected_pnl <= 0:
        assert quoted == Decision(TradeAction.SKIP_TODAY, 0.0, 0.0)
    else:
        assert quoted.advice is without.advice


@given(fair=credits_quoted, one=credits_quoted, other=credits_quoted, weight=st.floats(0, 1))
def test_expected_value_rises_with_the_credit(fair: float, one: float, other: float, weight: float) -> None:
    policy = Policy(quote_weight=weight)
    low, high = (policy.value(credit, fair) for credit in sorted([one, other]))
    assert low.expected_pnl <= high.expected_pnl + 1e-12
    assert low.kelly_pct <= high.kelly_pct + 1e-9


@given(probabilities, probabilities, st.booleans(), st.sampled_from([PLAIN, WITH_REDUCED]))
def test_the_size_rises_with_the_probability(one: float, other: float, full: bool, policy: Policy) -> None:
    risks = [decide(p, policy, may_trade_full=full).suggested_risk_pct for p in sorted([one, other])]
    assert risks[0] <= risks[1]


def test_kellys_share_is_a_lower_bound() -> None:
    """Of a condor that pays nothing or its whole wing of 10 points, by the formula for a variance."""
    loss, credit, wing = 0.05, 0.8, 10.0
    quote = Policy(quote_weight=0.0, commission_dollars=0.0).value(credit, loss * wing)
    variance = loss * (1 - loss) * wing**2
    exact = quote.expected_pnl * (wing - credit) / variance
    assert 0.9 * exact < quote.kelly_pct / 100 < 1.2 * exact


def test_policies_of_the_first_kind_are_read_and_serve_under_the_new_cap() -> None:
    policy = Policy.read(
        {**FIRST_KIND, "reduced_risk_low_pct": 3.0, "reduced_risk_high_pct": 8.0, "target_probability": None}
    )
    assert (policy.skip_below, policy.full_within, policy.relative_to) == (0.10, 0.02, "base")
    assert (policy.reduced_low, policy.reduced_high) == (0.3, 0.8)
    assert policy.risk_cap_pct == SURVIVABLE_RISK_PCT
    assert (
        Policy.read({"full_risk_pct": 1.0, "reduced_risk_low_pct": 0.3, "reduced_risk_high_pct": 0.8}).risk_cap_pct == 1
    )
    assert decide(0.74, policy).advice is TradeAction.SKIP_TODAY
    assert decide(0.76, policy).advice is TradeAction.TRADE_REDUCED


def test_a_policy_of_its_own_kind_is_read_as_it_is() -> None:
    assert Policy.read({"skip_below": 0.07, "full_within": 0.03, "risk_cap_pct": 3.5}) == Policy(
        skip_below=0.07, full_within=0.03, risk_cap_pct=3.5
    )


BAD_POLICIES = [
    {"skip_below": 0.02, "full_within": 0.03},
    {"risk_cap_pct": -1.0},
    {"risk_cap_pct": 101.0},
    {"quote_weight": 1.5},
    {"reduced_low": 0.9},
    {"skip_below": float("nan")},
    {"skip_below": "much"},
    {"relative_to": "yesterday"},
    {"skip_below_base": 0.10, "skip_below": 0.10},
    {"skip_below_base": 0.10, "surprise": 1.0},
    {"surprise": 1.0},
]


@pytest.mark.parametrize("stated", BAD_POLICIES, ids=str)
def test_policies_that_make_no_sense_are_refused(stated: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Policy.read(stated)


def test_the_wire_knows_the_same_advice() -> None:
    assert [advice.value for advice in TradeAction] == [advice.value for advice in TradingAdvice]
