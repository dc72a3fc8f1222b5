"""Retraining: which sessions and trades a challenger learns from."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from kronos.artefact import Artefact
from kronos.condor import CondorSpec
from kronos.gate import GateLimits
from kronos.market import MarketHistory
from kronos.model import Model
from kronos.training.export import train
from kronos.training.retrain import RetrainResult, retrain
from kronos.training.rows import TrainingRows, build_rows, rows_of
from kronos.training.trades import Trade, join_trades

TODAY = date(2019, 1, 2)
CUT = np.datetime64("2018-06-30")


@pytest.fixture(scope="module")
def champion(sample: MarketHistory, spec: CondorSpec) -> bytes:
    """Trained to the middle of 2018."""
    return train(build_rows(sample, spec, end=CUT)[0], spec).artefact.to_bytes()


def rows_in(result: RetrainResult) -> TrainingRows:
    assert result.challenger is not None
    return rows_of(result.challenger.artefact)


def test_a_trade_of_the_future_teaches_nothing(champion: bytes, sample: MarketHistory) -> None:
    trade = Trade(date(2030, 12, 30), "MAX_PROFIT", 1.0, 2500.0, 20.0)
    result = retrain(champion, sample, [trade], GateLimits(), TODAY)
    assert result.promoted, result.reason
    assert str(rows_in(result).sessions[-1]) == "2018-12-31"


def test_a_trade_without_bars_does_not_rejuvenate_the_model_nor_hide_sessions(
    champion: bytes, sample: MarketHistory
) -> None:
    """Bars that come later, for sessions before such a trade, are still learned from."""
    trade = Trade(date(2018, 12, 31), "MAX_PROFIT", 1.0, 2500.0, 27.0)
    until_autumn = sample.slice(0, int(np.searchsorted(sample.sessions, np.datetime64("2018-10-01"))))
    first = retrain(champion, until_autumn, [trade], GateLimits(), TODAY, forced=True)
    assert rows_in(first).sessions[-1] == np.datetime64("2018-12-31")
    assert first.challenger is not None
    assert Model.from_artefact(first.challenger.artefact).trained_through == date(2018, 9, 28)
    second = retrain(first.challenger.artefact.to_bytes(), sample, [], GateLimits(), TODAY, forced=True)
    rows = rows_in(second)
    assert rows.from_the_market().all()
    assert len(rows) == len(sample) - 1


def test_the_entry_really_traded_replaces_the_bars_own(champion: bytes, sample: MarketHistory) -> None:
    session = sample.sessions[-10]
    price, vix = float(sample.spx_open[-10]) + 5, float(sample.vix_close[-11]) + 1
    joined = join_trades([Trade(session.item(), "MAX_PROFIT", 1.0, price, vix)], sample, CondorSpec())
    assert (joined.rows.price[0], joined.rows.vix[0]) == (price, vix)
    assert joined.checked == 1
    assert joined.rows.from_the_market().all()


def test_a_trade_without_bars_is_one_label_at_its_own_multiplier(sample: MarketHistory) -> None:
    day = date(2019, 3, 1)
    trades = [Trade(day, "PUT_BREACHED", 1.2, 2800.0, 14.0), Trade(date(2019, 3, 4), "MAX_PROFIT", 1.05, 2800.0, 14.0)]
    joined = join_trades(trades, sample, CondorSpec())
    assert joined.rows.sessions.tolist() == [day]
    labels = joined.rows.labels[0]
    assert labels[6] == 0.0
    assert np.isnan(np.delete(labels, 6)).all()
    assert joined.rows.complete("minimal").all()
    assert not joined.rows.complete("market").any()
    assert joined.unusable == 1


def test_force_promotes_where_the_gate_cannot_judge(sample: MarketHistory, spec: CondorSpec) -> None:
    short = train(build_rows(sample, spec, end=np.datetime64("2016-09-30"))[0], spec).artefact.to_bytes()
    history = sample.slice(0, int(np.searchsorted(sample.sessions, np.datetime64("2016-11-01"))))
    refused = retrain(short, history, [], GateLimits(), TODAY)
    assert not refused.promoted
    assert str(refused.reason).startswith("insufficient_evidence")
    assert refused.challenger is not None
    assert retrain(short, history, [], GateLimits(), TODAY, forced=True).promoted


def test_without_market_days_the_champions_rows_are_kept(champion: bytes) -> None:
    result = retrain(champion, None, [], GateLimits(), TODAY)
    own = rows_of(Artefact.from_bytes(champion))
    np.testing.assert_array_equal(rows_in(result).sessions, own.sessions)
