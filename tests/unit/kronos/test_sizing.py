"""What size survives, and what past sessions teach a policy, on markets whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from kronos.training.policy_fit import PastTrades, learn_policy
from kronos.training.sizing import RISKS_PCT, drawdown_quantile, largest_surviving_risk_pct, worst_drawdown

DAYS = np.datetime64("2010-01-01") + np.arange(2_000)


def returns(loss: float = 0.09, seed: int = 0) -> np.ndarray:
    """Small gains, and now and then all that is at risk."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(2_000) < loss, -1.0, 0.08)


def test_worst_drawdown_by_hand() -> None:
    """At 10 % risk: 1, 0.9, 0.99, 0.8811."""
    assert worst_drawdown(np.array([-1.0, 1.0, -1.1]), 10.0) == pytest.approx(1 - 0.8811)
    assert worst_drawdown(np.array([0.5, 0.5]), 10.0) == 0.0
    np.testing.assert_allclose(worst_drawdown(np.array([[-1.0, 0.0], [0.0, 0.0]]), 50.0), [0.5, 0.0])


def test_the_size_that_survives_is_the_largest_that_does() -> None:
    found = largest_surviving_risk_pct(returns())
    assert 0.5 <= found < 10
    assert drawdown_quantile(returns(), found) <= 1 / 3 < drawdown_quantile(returns(), found + 0.5)


def test_worse_sessions_allow_a_smaller_size_and_ruin_allows_none() -> None:
    assert largest_surviving_risk_pct(returns(0.20)) < largest_surviving_risk_pct(returns(0.05))
    assert largest_surviving_risk_pct(np.full(2_000, -1.0)) == 0.0
    assert largest_surviving_risk_pct(np.full(2_000, 0.01)) == RISKS_PCT[-1]


def test_the_same_sessions_give_the_same_size() -> None:
    assert largest_surviving_risk_pct(returns()) == largest_surviving_risk_pct(returns())


def past(slope: float, costs: float = 30.0, seed: int = 1) -> PastTrades:
    """Sessions whose mean P&L rises with confidence, by `slope` dollars for each standard deviation."""
    rng = np.random.default_rng(seed)
    confidence = rng.normal(0, 0.05, len(DAYS))
    gross = slope * confidence / 0.05 + rng.normal(0, 100, len(DAYS))
    return PastTrades(DAYS, confidence, gross, gross - costs, np.full(len(DAYS), 950.0))


def test_sessions_that_lose_are_skipped() -> None:
    trades = past(slope=60.0)
    learned = learn_policy(trades)
    assert learned is not None
    assert learned.skip_share == 0.30
    assert (trades.confidence < -learned.policy.skip_below).mean() == pytest.approx(0.30, abs=0.01)
    assert learned.skipping_gain_dollars > 0
    assert learned.reduced_share == 0.0
    assert learned.policy.full_within == learned.policy.skip_below


def test_where_confidence_tells_nothing_nothing_is_skipped() -> None:
    """Each lot of noise has its own luck: a standard error by chance in one of six, and never a large share of it."""
    shares = [learned.skip_share for seed in range(20) if (learned := learn_policy(past(0.0, seed=seed))) is not None]
    assert len(shares) == 20
    assert shares.count(0.0) >= 10


def test_reduced_trades_have_to_earn_their_costs() -> None:
    """Free of costs, sessions just above the worst earn a little, and clearly less than the rest."""
    dear, free = learn_policy(past(slope=60.0)), learn_policy(past(slope=60.0, costs=-60.0))
    assert dear is not None
    assert free is not None
    assert (dear.reduced_share, free.reduced_share) == (0.0, 0.10)
    assert free.policy.full_within < free.policy.skip_below


def test_too_few_sessions_teach_nothing() -> None:
    trades = past(slope=60.0)
    assert learn_policy(trades.take(np.arange(len(DAYS)) < 200)) is None
