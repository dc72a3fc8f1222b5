"""The promotion gate: each limit refuses on its own, with its figure."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from scipy import stats

from kronos.model.gate import Comparison, Evidence, GateLimits, UnseenSessions, decide
from kronos.statistics.intervals import student_t_one_sided

LIMITS = GateLimits()
RNG = np.random.default_rng(0)
PROBABILITY = RNG.uniform(0.6, 0.95, 250)
WON = (RNG.random(250) < PROBABILITY).astype(float)
NOT_UNLIKE = np.zeros(250, dtype=bool)
NOTHING = UnseenSessions(np.empty(0), np.empty(0), np.empty(0, dtype=bool))


def news(count: int = 250, won: np.ndarray[Any, Any] = WON) -> UnseenSessions:
    return UnseenSessions(PROBABILITY[:count], won[:count], NOT_UNLIKE[:count])


def evidence(market: UnseenSessions, **change: Any) -> Evidence:
    equal = Comparison(market.champion, calibration_lost=-0.01, recent_shift=0.0, skill_lost=0.0)
    return Evidence(market, NOTHING, vix_correlation=-0.8, comparison=dataclasses.replace(equal, **change))


def test_an_equal_challenger_is_promoted_with_its_figures() -> None:
    decision = decide(evidence(news()), LIMITS)
    assert decision.promoted
    assert decision.reason is None
    assert decision.figures["confirmation_losses"] == int((WON == 0).sum())
    assert decision.figures["log_loss"] == 0
    assert decision.figures["champion_log_loss"] == decision.figures["challenger_log_loss"]


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ({"challenger": 1 - PROBABILITY}, "log_loss"),
        ({"challenger": np.clip(PROBABILITY - 0.25, 0.01, 1)}, "brier"),
        ({"skill_lost": 0.03}, "skill_lost"),
        ({"calibration_lost": 0.02}, "calibration_lost"),
        ({"recent_shift": -0.08}, "recent_shift"),
        ({"skill": -0.001}, "lack_of_skill"),
    ],
)
def test_each_limit_refuses(change: dict[str, Any], figure: str) -> None:
    decision = decide(evidence(news(), **change), LIMITS)
    assert not decision.promoted
    assert f"{figure} 0." in str(decision.reason) or f"{figure} 1." in str(decision.reason)
    assert decision.figures[figure] > 0


def test_what_was_not_measured_is_no_figure() -> None:
    decision = decide(evidence(news(), recent_shift=None, skill_lost=None, skill=0.001), LIMITS)
    assert decision.promoted
    assert not {"recent_shift", "skill_lost"} & decision.figures.keys()
    assert decision.figures["lack_of_skill"] == -0.001


def test_a_better_challenger_with_noise_is_promoted() -> None:
    better = np.clip(PROBABILITY + 0.05 * (WON - 0.5), 0.01, 0.99)
    assert decide(evidence(news(), challenger=better), LIMITS).promoted


def test_a_shift_is_forgiven_where_the_challenger_is_proven_better() -> None:
    better = np.clip(PROBABILITY + 0.05 * (WON - 0.5), 0.01, 0.99)
    decision = decide(evidence(news(), challenger=better, recent_shift=0.08), LIMITS)
    assert decision.promoted
    assert decision.figures["recent_shift"] == 0.08


@pytest.mark.parametrize("market", [news(20), news(won=np.ones(250))], ids=["too few sessions", "no losses"])
def test_too_little_to_judge_is_insufficient_evidence_with_all_figures(market: UnseenSessions) -> None:
    decision = decide(evidence(market), LIMITS)
    assert not decision.promoted
    assert str(decision.reason).startswith("insufficient_evidence")
    assert {"limits", "confirmation_sessions", "surprise", "log_loss", "recent_shift"} <= decision.figures.keys()


def test_without_a_challenger_or_any_news_there_are_figures_still() -> None:
    decision = decide(Evidence(news(), NOTHING), LIMITS)
    assert str(decision.reason).startswith("insufficient_evidence: there is no challenger")
    assert decision.figures["confirmation_sessions"] == 250
    nothing = decide(evidence(NOTHING), LIMITS)
    assert str(nothing.reason).startswith("insufficient_evidence: 0 settled sessions")
    assert nothing.figures["recent_shift"] == 0


@pytest.mark.parametrize("count", [50, 250])
def test_flipped_outcomes_are_not_believed_whatever_the_challenger_makes_of_them(count: int) -> None:
    flipped = 1 - WON
    decision = decide(evidence(news(count, flipped), challenger=1 - PROBABILITY[:count], recent_shift=-0.3), LIMITS)
    assert str(decision.reason).startswith("implausible_data: surprise ")


def test_flipped_reports_are_not_hidden_by_honest_bars() -> None:
    market, flipped = news(250), news(50, 1 - WON)
    believed = Evidence(market, flipped, comparison=Comparison(np.tile(PROBABILITY, 2)[:300], 0.0))
    assert "surprise" in str(decide(believed, LIMITS).reason)


def test_a_regime_that_loses_a_tenth_more_is_believed() -> None:
    """A champion that is wrong is what retraining is for."""
    wins = np.flatnonzero(WON[:50] == 1)
    worse = WON.copy()
    worse[wins[:5]] = 0
    assert decide(evidence(news(50, worse)), LIMITS).promoted


def test_features_unlike_all_that_was_learned_are_not_believed() -> None:
    market = dataclasses.replace(news(), unlike=np.arange(250) < 30)
    assert decide(evidence(market), LIMITS).reason == "implausible_data: unlike_share 0.1200 over 0.1"


def test_a_vix_that_does_not_move_against_the_index_is_not_believed() -> None:
    moved = dataclasses.replace(evidence(news()), vix_correlation=0.02)
    assert str(decide(moved, LIMITS).reason).startswith("implausible_data: vix_correlation 0.0200 over ")


def test_every_figure_is_json_even_of_models_that_claim_certainty() -> None:
    certain = UnseenSessions(np.ones(250), WON, NOT_UNLIKE)
    decision = decide(evidence(certain), LIMITS)
    assert not decision.promoted
    json.dumps(decision.figures, allow_nan=False)


@pytest.mark.parametrize("degrees", [10, 29, 49, 249])
def test_student_t(degrees: int) -> None:
    assert student_t_one_sided(degrees) == pytest.approx(stats.t.ppf(0.95, degrees), abs=2e-3)


@pytest.mark.parametrize("limits", [{"min_confirmation_losses": 0}, {"confirmation_sessions": 20}])
def test_limits_that_leave_nothing_to_look_at_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="the gate needs"):
        GateLimits(**limits)
