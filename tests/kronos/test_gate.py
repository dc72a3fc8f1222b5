"""The promotion gate: each limit refuses on its own, with its figure."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from kronos.gate import Evidence, GateLimits, decide

LIMITS = GateLimits()
RNG = np.random.default_rng(0)
PROBABILITY = RNG.uniform(0.6, 0.95, 250)
WON = (RNG.random(250) < PROBABILITY).astype(float)
EQUAL = Evidence(PROBABILITY, PROBABILITY, WON, recent_shift=0.0, skill_lost=0.0, ece_over_band=-0.01)


def test_an_equal_challenger_is_promoted_with_its_figures() -> None:
    decision = decide(EQUAL, LIMITS)
    assert decision.promoted
    assert decision.reason is None
    assert decision.figures["confirmation_losses"] == int((WON == 0).sum())
    assert decision.figures["log_loss"] == 0


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ({"challenger": 1 - PROBABILITY}, "log_loss"),
        ({"challenger": np.clip(PROBABILITY - 0.25, 0.01, 1)}, "brier"),
        ({"skill_lost": 0.03}, "skill_lost"),
        ({"ece_over_band": 0.02}, "ece_over_band"),
        ({"recent_shift": -0.06}, "recent_shift"),
    ],
)
def test_each_limit_refuses(change: dict[str, Any], figure: str) -> None:
    decision = decide(dataclasses.replace(EQUAL, **change), LIMITS)
    assert not decision.promoted
    assert f"{figure} 0." in str(decision.reason) or f"{figure} 1." in str(decision.reason)
    assert decision.figures[figure] > 0


def test_a_better_challenger_with_noise_is_promoted() -> None:
    better = np.clip(PROBABILITY + 0.05 * (WON - 0.5), 0.01, 0.99)
    assert decide(dataclasses.replace(EQUAL, challenger=better), LIMITS).promoted


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(PROBABILITY[:100], PROBABILITY[:100], WON[:100], 0.0, 0.0, 0.0),
        dataclasses.replace(EQUAL, won=np.ones(250)),
    ],
    ids=["too few sessions", "no losses"],
)
def test_too_little_to_judge_is_insufficient_evidence(evidence: Evidence) -> None:
    decision = decide(evidence, LIMITS)
    assert not decision.promoted
    assert str(decision.reason).startswith("insufficient_evidence")
