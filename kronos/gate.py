"""The promotion gate: may a challenger take the champion's place? One pure function with named limits.

A test of non-inferiority: fifty trades cannot prove an improvement, so what must be excluded is a loss. It needs
NumPy only, so that the service's settings can hold its limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kronos.market import Floats

ONE_SIDED_95 = 1.645


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What a challenger must keep within.

    Attributes
    ----------
    confirmation_sessions : newest sessions that neither model was trained on for this comparison
    min_confirmation_losses : fewer losses among them cannot judge
    log_loss_margin, brier_margin : how much worse, at 95 %, the challenger may be on them
    max_skill_lost : of Brier skill, walk-forward over the whole history
    max_ece_over_band : calibration error beyond the band of a perfectly calibrated model
    recent_sessions, max_recent_shift : over how many the mean probability may change, and by how much
    max_suspicious_share : of reported trades that their session's bar contradicts
    """

    confirmation_sessions: int = 250
    min_confirmation_losses: int = 5
    log_loss_margin: float = 0.02
    brier_margin: float = 0.01
    max_skill_lost: float = 0.02
    max_ece_over_band: float = 0.01
    recent_sessions: int = 60
    max_recent_shift: float = 0.05
    max_suspicious_share: float = 0.1

    def __post_init__(self) -> None:
        if min(self.confirmation_sessions, self.min_confirmation_losses, self.recent_sessions) < 1:
            raise ValueError("the gate needs at least one session and one loss to look at")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gate looks at, at multiplier 1.0.

    Attributes
    ----------
    champion, challenger : (n,) probabilities of the confirmation sessions, of models trained without them
    won : (n,) how they ended
    recent_shift : mean change of the probability on recent sessions, challenger minus champion as they serve
    skill_lost : Brier skill, walk-forward over the whole history, champion minus challenger; the worst variant's
    ece_over_band : the challenger's calibration error beyond its band; the worst variant's
    """

    champion: Floats
    challenger: Floats
    won: Floats
    recent_shift: float
    skill_lost: float
    ece_over_band: float


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Whether to promote; if not, why, in one line. The figures are kept either way."""

    promoted: bool
    reason: str | None
    figures: Mapping[str, Any]


def decide(evidence: Evidence, limits: GateLimits) -> GateDecision:
    """Judge a challenger."""
    losses = int((evidence.won == 0).sum())
    figures: dict[str, Any] = {
        "limits": asdict(limits),
        "confirmation_sessions": len(evidence.won),
        "confirmation_losses": losses,
    }
    if len(evidence.won) < limits.confirmation_sessions or losses < limits.min_confirmation_losses:
        return GateDecision(False, "insufficient_evidence: too few sessions or breaches to judge", figures)
    checks = (
        ("log_loss", _upper_bound(_log_losses, evidence), limits.log_loss_margin),
        ("brier", _upper_bound(_squared_errors, evidence), limits.brier_margin),
        ("skill_lost", evidence.skill_lost, limits.max_skill_lost),
        ("ece_over_band", evidence.ece_over_band, limits.max_ece_over_band),
        ("recent_shift", abs(evidence.recent_shift), limits.max_recent_shift),
    )
    figures |= {name: value for name, value, _ in checks}
    exceeded = [f"{name} {value:.4f} over {limit}" for name, value, limit in checks if value > limit]
    return GateDecision(not exceeded, "; ".join(exceeded) or None, figures)


def _upper_bound(loss: Callable[[Floats, Floats], Floats], evidence: Evidence) -> float:
    """One-sided 95 % upper bound of how much worse the challenger is, paired by session."""
    worse = loss(evidence.challenger, evidence.won) - loss(evidence.champion, evidence.won)
    return float(worse.mean() + ONE_SIDED_95 * worse.std(ddof=1) / np.sqrt(len(worse)))


def _log_losses(probability: Floats, won: Floats) -> Floats:
    return np.asarray(-np.log(np.where(won == 1.0, probability, 1 - probability)))


def _squared_errors(probability: Floats, won: Floats) -> Floats:
    return np.asarray((probability - won) ** 2)
