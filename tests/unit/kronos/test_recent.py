"""The recent base rate: which sessions it counts, and what it takes as a win."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.market.sessions import exchange_sessions
from kronos.statistics.recent import FEWEST_RECENT, RECENT_SESSIONS, market_recent_rates, recent_rates
from tests.support.bars import bars

AT_THE_CLOSE = CondorSpec(entry="close", dte_sessions=1)
OPENS = 2000 + np.tile([20.0, -20.0, 15.0, -15.0], 100)
"""Gaps that vary as those of true opens do."""


def market(moves: Sequence[float] | np.ndarray) -> MarketHistory:
    """Sessions that settle at these multiples of their expected move, which is 1 % of the open."""
    opened = OPENS[: len(moves)]
    return bars(list(opened * (1 + np.asarray(moves) / 100)), opens=list(opened))


def rate(history: MarketHistory | None, moment: np.datetime64, put: float = 1.0, call: float = 1.0) -> float:
    found = market_recent_rates(history, CondorSpec(), np.array([moment]), np.array([put]), np.array([call]))
    return float(found[0])


def after(history: MarketHistory, sessions: int) -> np.datetime64:
    """The session that many sessions after the history's last."""
    days = exchange_sessions().days
    return np.datetime64(days[np.searchsorted(days, history.sessions[-1]) + sessions], "D")


def test_it_is_the_share_of_wins_among_the_sessions_before() -> None:
    history = market([1.5] * 20 + [0.5] * 80 + [1.5] * 10)
    assert rate(history, history.sessions[100]) == pytest.approx(80.5 / 101)
    assert rate(history, history.sessions[102]) == pytest.approx(80.5 / 103)


def test_only_the_last_252_count() -> None:
    history = market([1.5] * 40 + [0.5] * 300)
    assert rate(history, history.sessions[RECENT_SESSIONS + 30]) == pytest.approx((RECENT_SESSIONS - 10 + 0.5) / 253)
    assert rate(history, history.sessions[RECENT_SESSIONS + 50]) == pytest.approx((RECENT_SESSIONS + 0.5) / 253)


@pytest.mark.parametrize(("put", "call", "wins"), [(1.0, 1.0, 40), (1.3, 1.0, 60), (1.0, 1.6, 80), (1.3, 1.6, 100)])
def test_each_side_has_a_distance_of_its_own(put: float, call: float, wins: int) -> None:
    """Of 100 sessions 20 fall 1.2 expected moves, 40 rise 1.5."""
    history = market([-1.2] * 20 + [1.5] * 40 + [0.0] * 40 + [0.0])
    assert rate(history, history.sessions[100], put, call) == pytest.approx((wins + 0.5) / 101)


def test_a_trade_that_is_still_open_does_not_count() -> None:
    """Sold at the close of one session and settled at the next, the trade of the session before has not settled."""
    closes = 2000 * 1.002 ** np.arange(101)
    closes[100] *= 1.5
    history = bars(list(closes), opens=list(closes))
    one = np.array([1.0])
    at_the_end = market_recent_rates(history, AT_THE_CLOSE, history.sessions[100:], one, one)
    assert at_the_end[0] == pytest.approx(99.5 / 100)
    settled = market_recent_rates(history, AT_THE_CLOSE, np.array([after(history, 1)]), one, one)
    assert settled[0] == pytest.approx(99.5 / 101)


def test_sessions_without_a_price_to_trade_at_do_not_count() -> None:
    """Prints that repeat the close before are left out: they are no prices."""
    closes = list(2000 + 10.0 * np.sin(np.arange(300)))
    lagging = bars(closes, opens=[2000.0, *closes[:-1]])
    assert np.isnan(rate(lagging, lagging.sessions[299]))


def test_without_enough_bars_it_is_not_known() -> None:
    assert np.isnan(rate(None, np.datetime64("2018-01-02")))
    few = market([0.0] * (FEWEST_RECENT + 1))
    assert np.isnan(rate(few, few.sessions[FEWEST_RECENT - 1]))
    assert rate(few, few.sessions[FEWEST_RECENT]) == pytest.approx((FEWEST_RECENT + 0.5) / (FEWEST_RECENT + 1))


def test_bars_of_long_ago_are_not_recent() -> None:
    old = market([0.0] * 300)
    still_recent = RECENT_SESSIONS - FEWEST_RECENT + 1
    assert not np.isnan(rate(old, after(old, still_recent)))
    assert np.isnan(rate(old, after(old, still_recent + 1)))


def test_the_oldest_session_may_take_the_vix_of_the_close_before() -> None:
    history = market([0.0] * 300)
    no_opens = MarketHistory(history.sessions, dict(history.bars) | {"vix_open": np.full(300, np.nan)})
    assert rate(no_opens, history.sessions[290]) == pytest.approx((RECENT_SESSIONS + 0.5) / (RECENT_SESSIONS + 1))


def test_each_observation_has_its_own_window_and_strikes() -> None:
    rng = np.random.default_rng(0)
    history = market(rng.normal(0, 1, 400))
    at = rng.integers(100, 400, 150)
    put, call = rng.uniform(0.6, 1.6, (2, 150))
    found = market_recent_rates(history, CondorSpec(), history.sessions[at], put, call)
    one_by_one = [rate(history, history.sessions[i], p, c) for i, p, c in zip(at, put, call, strict=True)]
    assert found == pytest.approx(one_by_one)


def test_labels_that_are_not_known_do_not_count() -> None:
    sessions = exchange_sessions().days[:4]
    labels = np.array([[1.0, 0.0], [np.nan, 1.0], [1.0, np.nan], [0.0, 0.0]])
    found = recent_rates(sessions, labels, sessions[[0, 3]], 0)
    assert found == pytest.approx(np.array([[0.5, 0.5], [2.5 / 3, 1.5 / 3]]))
    assert recent_rates(sessions, labels, sessions[[3]], 1) == pytest.approx(np.array([[1.5 / 2, 1.5 / 3]]))
