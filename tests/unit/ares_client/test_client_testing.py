"""The stand-in for bots' tests: the guide's calls against memory, told to answer, be slow or fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ares_client import (
    Advice,
    ClientSettings,
    FallbackReason,
    ServiceFailedError,
    TradingAdvice,
    get_advisor,
    get_trading_advice,
)
from ares_client.contract import Metrics
from ares_client.testing import InMemoryAdvisor, installed
from tests.support.client_support import MARGIN_SECONDS, PATIENT_SECONDS

METRICS = Metrics(
    sessions=1000,
    base_rate=0.83,
    accuracy=0.84,
    brier=0.13,
    brier_skill=0.05,
    brier_skill_interval=(0.03, 0.07),
    log_loss=0.42,
    auc=0.7,
    ece=0.01,
    ece_band=0.02,
)


@pytest.fixture
def advisor() -> Iterator[InMemoryAdvisor]:
    with installed(InMemoryAdvisor(ClientSettings(outbox=Path(), deadline_seconds=PATIENT_SECONDS))) as made:
        yield made


def ask() -> Advice:
    return get_trading_advice(vix=17.4, day_of_week=1, price=4512.5)


def record(trade_id: str, net_pnl: float = 142.5) -> None:
    get_advisor().record_outcome(
        trade_date="2024-01-02", features={"vix": 17.4}, outcome="MAX_PROFIT", net_pnl=net_pnl, trade_id=trade_id
    )


def test_the_guides_functions_use_it_and_afterwards_no_more(advisor: InMemoryAdvisor) -> None:
    assert get_advisor() is advisor
    with installed(InMemoryAdvisor()) as other:
        assert get_advisor() is other
    assert get_advisor() is advisor


def test_it_answers_what_it_is_told(advisor: InMemoryAdvisor) -> None:
    assert (ask().source, ask().advice) == ("service", TradingAdvice.TRADE_FULL)
    advisor.will_answer(advice=TradingAdvice.SKIP_TODAY, win_probability=0.55, suggested_risk_pct=0)
    advice = ask()
    assert (advice.advice, advice.win_probability, advice.suggested_risk_pct) == ("SKIP_TODAY", 0.55, 0.0)
    assert advisor.questions[-1].vix == 17.4


def test_what_it_is_told_must_be_in_the_contract(advisor: InMemoryAdvisor) -> None:
    with pytest.raises(ValueError, match="win_probabilty"):
        advisor.will_answer(win_probabilty=0.5)
    with pytest.raises(ValueError, match="win_probability"):
        advisor.will_answer(win_probability=1.5)


def test_it_is_slow_without_anybody_waiting(tmp_path: Path) -> None:
    settings = ClientSettings(outbox=tmp_path, deadline_seconds=100.0)
    with installed(InMemoryAdvisor(settings)) as advisor:
        began = time.monotonic()
        advisor.will_take(settings.deadline_seconds + 60)
        assert ask().reason is FallbackReason.TIMEOUT
        advisor.will_take(settings.deadline_seconds / 2)
        assert ask().source == "service"
        assert time.monotonic() - began < MARGIN_SECONDS


def test_it_fails_as_often_as_it_is_told_and_recovers_at_once(advisor: InMemoryAdvisor) -> None:
    advisor.will_fail(ServiceFailedError(503, "no model"))
    assert [ask().reason for _ in range(5)] == [FallbackReason.NOT_READY] * 5
    advisor.will_answer()
    assert ask().source == "service"


def test_outcomes_arrive_or_wait(advisor: InMemoryAdvisor) -> None:
    record("first")
    assert advisor.outcomes["first"].net_pnl == pytest.approx(142.5)
    advisor.will_fail()
    record("second")
    assert list(advisor.outcomes) == ["first"]
    assert (advisor.stats().pending, advisor.stats().problem) == (1, "told to fail")
    advisor.will_answer()
    assert advisor.flush(1)
    assert list(advisor.outcomes) == ["first", "second"]
    assert advisor.stats().problem is None


def test_the_same_trade_twice_and_with_another_profit(advisor: InMemoryAdvisor) -> None:
    record("first")
    record("first")
    assert advisor.stats().quarantined == 0
    record("first", net_pnl=-800)
    assert advisor.stats().quarantined == 1
    assert advisor.outcomes["first"].net_pnl == pytest.approx(142.5)


def test_retraining(advisor: InMemoryAdvisor) -> None:
    assert advisor.retrain_from_outcomes(min_new_samples=1) is None
    record("first")
    assert advisor.retrain_from_outcomes(min_new_samples=1) is None
    advisor.will_promote(METRICS)
    metrics = advisor.retrain_from_outcomes(min_new_samples=1)
    assert metrics
    assert (metrics.accuracy, metrics.model_version) == (0.84, "in-memory.1")


def test_a_score_that_the_service_does_not_tell_is_nan_and_prints(advisor: InMemoryAdvisor) -> None:
    record("first")
    advisor.will_promote(Metrics(accuracy=0.84))
    metrics = advisor.retrain_from_outcomes(min_new_samples=1)
    assert metrics
    assert (f"{metrics.accuracy:.1%}", f"{metrics.brier_skill:+.3f}") == ("84.0%", "+nan")


def test_it_leaves_neither_files_nor_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    monkeypatch.chdir(tmp_path)
    with installed(InMemoryAdvisor()) as advisor:
        ask()
        record("first")
        advisor.stats()
    assert list(Path.cwd().iterdir()) == []
    made = {thread.name for thread in set(threading.enumerate()) - before}
    assert made.isdisjoint({"ares-advisor-sender", "ares-advisor-probe"})
