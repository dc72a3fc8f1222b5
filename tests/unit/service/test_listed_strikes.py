"""Trades at listed strikes are scored for the condor that was traded: a replay of a market whose law is known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from ares_client.contract import LiveCalibration
from kronos.condor.contradiction import ShortStrikes
from kronos.condor.spec import MULTIPLIERS, CondorSpec
from kronos.condor.strikes import listed_strikes
from kronos.market.sessions import as_date, exchange_sessions
from kronos.model.loss_shape import LossShape
from service.performance.figures import calibration
from service.performance.observations import SortedTrades, sort_trades
from service.performance.repository import LoggedAdvice, TradeRecord
from tests.support.bars import VIX_OF_ONE_PERCENT

SPEC = CondorSpec()
SESSIONS = exchange_sessions().between(date(2015, 1, 2), date(2022, 12, 31))[:1_899]
FALLS, FALL_SCALE, RISE_SCALE = 0.5, 0.65, 0.5
"""Falls come with this chance; both are exponential, in expected moves, on scales that vary by session."""


def losses(multipliers: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """(k,) chances that the put and the call are breached."""
    put = FALLS * np.exp(-multipliers / (FALL_SCALE * scale))
    return put, (1 - FALLS) * np.exp(-multipliers / (RISE_SCALE * scale))


def share() -> LossShape:
    put, call = losses(MULTIPLIERS, 1.0)
    return LossShape(MULTIPLIERS, put / (put + call))


def curve(scale: float) -> np.ndarray:
    put, call = losses(MULTIPLIERS, scale)
    return np.asarray(1 - put - call)


def record(session: np.datetime64, price: float, strikes: ShortStrikes, said: np.ndarray, *, won: bool) -> TradeRecord:
    """A trade at the multiplier of 1 with its listed strikes."""
    points = [
        {"sd_multiplier": multiplier, "win_probability": probability, "base_rate": base}
        for multiplier, probability, base in zip(MULTIPLIERS, said, curve(1.0), strict=True)
    ]
    return TradeRecord(
        bot="ares",
        session=as_date(session),
        outcome="MAX_PROFIT" if won else "PUT_BREACHED",
        net_pnl_dollars=Decimal(0),
        flags=(),
        sd_multiplier=1.0,
        put_short_strike=strikes.put,
        call_short_strike=strikes.call,
        price=price,
        vix=VIX_OF_ONE_PERCENT,
        followed=LoggedAdvice("TRADE_FULL", date(2014, 12, 31), json.dumps(points)),
    )


@pytest.fixture(scope="module")
def replay() -> list[TradeRecord]:
    """Every session's condor at listed strikes around 2,000, where an expected move is 20 points and a step is 5."""
    rng = np.random.default_rng(0)
    trades = []
    for session in SESSIONS:
        price, scale = rng.uniform(1_950, 2_050), rng.uniform(0.8, 1.2)
        move = 0.01 * price
        listed = listed_strikes(np.array(price), np.array(move), SPEC)
        strikes = ShortStrikes(float(listed.put_short), float(listed.call_short))
        if rng.random() < FALLS:
            settlement = price - move * rng.exponential(FALL_SCALE * scale)
        else:
            settlement = price + move * rng.exponential(RISE_SCALE * scale)
        won = strikes.put <= settlement <= strikes.call
        trades.append(record(session, price, strikes, curve(scale), won=won))
    return trades


def sorted_trades(*trades: TradeRecord) -> SortedTrades:
    return sort_trades(trades, SPEC, share())


def scores(trades: list[TradeRecord]) -> LiveCalibration:
    found = calibration(sorted_trades(*trades).observations, None, SPEC)
    assert found is not None
    return found


def is_inside(found: LiveCalibration) -> bool:
    low, high = found.expected_wins_interval
    return low <= found.wins <= high


def test_true_probabilities_are_believed_at_the_strikes_traded_and_not_at_the_multiplier(
    replay: list[TradeRecord],
) -> None:
    at_the_multiplier = scores([replace(trade, put_short_strike=None, call_short_strike=None) for trade in replay])
    at_the_strikes = scores(replay)
    assert at_the_multiplier.observations == at_the_strikes.observations == len(SESSIONS)
    assert at_the_multiplier.wins == at_the_strikes.wins
    assert at_the_multiplier.wins > at_the_multiplier.expected_wins_interval[1]
    assert is_inside(at_the_strikes)
    assert at_the_strikes.ece < at_the_strikes.ece_band < at_the_multiplier.ece


def test_the_base_rate_is_read_at_the_same_strikes(replay: list[TradeRecord]) -> None:
    found = scores(replay)
    assert found.mean_base_rate == pytest.approx(found.win_rate, abs=0.02)


def one(price: float = 2000.0, put: float = 1975.0, call: float = 2025.0) -> TradeRecord:
    return record(SESSIONS[0], price, ShortStrikes(put, call), curve(1.0), won=True)


def test_both_strikes_and_the_price_give_the_distances() -> None:
    (found,) = sorted_trades(one(put=1975.0, call=2030.0)).scored
    assert found.distances == pytest.approx((1.25, 1.5))
    put, call = losses(np.array([1.25]), 1.0)[0], losses(np.array([1.5]), 1.0)[1]
    assert found.probability == pytest.approx(float(1 - put[0] - call[0]), abs=0.002)


@pytest.mark.parametrize(
    "less",
    [
        replace(one(), put_short_strike=None),
        replace(one(), call_short_strike=None),
        replace(one(), price=None),
        replace(one(), vix=None),
    ],
    ids=["no put", "no call", "no price", "no VIX"],
)
def test_with_less_the_multiplier_counts(less: TradeRecord) -> None:
    (found,) = sorted_trades(less).scored
    assert found.distances == (1.0, 1.0)
    assert found.probability == pytest.approx(np.interp(1.0, MULTIPLIERS, curve(1.0)))


@pytest.mark.parametrize("price", [200.0, 1970.0, 2500.0])
def test_strikes_that_do_not_lie_around_the_price_are_no_distances(price: float) -> None:
    (found,) = sorted_trades(one(price=price)).scored
    assert found.distances == (1.0, 1.0)


@pytest.mark.parametrize(
    "beyond",
    [one(put=1967.0), one(call=2033.0), one(price=2014.0), replace(one(), price=None, sd_multiplier=1.7)],
    ids=["put", "call", "too near", "multiplier"],
)
def test_strikes_beyond_the_curve_are_left_out(beyond: TradeRecord) -> None:
    """The condor beyond the last multiplier wins more often than the curve says there."""
    found = sorted_trades(beyond, one(put=1969.0, call=2013.0))
    assert (len(found.scored), len(found.followed)) == (1, 2)
    assert found.left_out.off_the_grid == 1


def test_different_strikes_of_a_session_are_two_observations_and_the_same_strikes_are_one() -> None:
    again = replace(one(price=2001.5), bot="other")
    found = sorted_trades(one(), one(call=2030.0), again)
    assert len(found.observations) == 2
    assert found.left_out.repeated == 1
