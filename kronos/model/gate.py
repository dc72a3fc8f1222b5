"""The promotion gate: may a challenger replace the champion? One pure function with named limits.

It is a test of non-inferiority: fifty trades cannot prove an improvement, so the challenger must only be shown not to
be worse. False new sessions would favour a challenger that learned from them, so they must first be plausible. The
module needs only NumPy, so that the service's settings can hold its limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from kronos.market.history import Floats
from kronos.statistics.intervals import NORMAL_ONE_SIDED, upper_bound_of_mean

CERTAINTY = 1e-6


@dataclass(frozen=True, slots=True)
class GateLimits:
    """The limits for a challenger. `docs/decisions/0009-the-gate.md` says how each was measured.

    Attributes
    ----------
    confirmation_sessions : how many of the sessions since the champion's last are examined, newest first
    min_confirmation_sessions, min_confirmation_losses : with fewer, there is not enough evidence to judge
    log_loss_margin, brier_margin : how much worse, at 95 %, the challenger may be on those sessions
    max_skill_lost : largest loss of Brier skill, walk-forward over the champion's own history
    max_calibration_lost : largest rise of the calibration error beyond the band of a perfectly calibrated model
    recent_sessions, max_recent_shift : the mean probability over this many recent sessions may shift by at most this
        much, unless the challenger is better at 95 %
    max_surprise : nats per session by which the outcomes may, at 95 %, cost the champion more than it expects
    max_unlike_share : largest share of new sessions with a feature far outside the champion's training range
    max_vix_correlation : highest correlation of daily VIX changes with SPX changes; VIX has always moved against SPX
    min_skill : the least walk-forward skill, where it cannot be compared with the champion's
    max_suspicious_share : largest share of reported trades that their session's bar contradicts
    """

    confirmation_sessions: int = 250
    min_confirmation_sessions: int = 30
    min_confirmation_losses: int = 3
    log_loss_margin: float = 0.03
    brier_margin: float = 0.01
    max_skill_lost: float = 0.02
    max_calibration_lost: float = 0.01
    recent_sessions: int = 60
    max_recent_shift: float = 0.07
    max_surprise: float = 0.1
    max_unlike_share: float = 0.1
    max_vix_correlation: float = -0.2
    min_skill: float = 0.0
    max_suspicious_share: float = 0.1

    def __post_init__(self) -> None:
        counts = (self.min_confirmation_sessions, self.min_confirmation_losses, self.recent_sessions)
        if min(counts) < 1 or self.confirmation_sessions < self.min_confirmation_sessions:
            raise ValueError(
                "the gate needs at least one session and one loss, and confirmation_sessions not below its minimum"
            )


@dataclass(frozen=True, slots=True, eq=False)
class UnseenSessions:
    """Sessions from one source that the champion was not trained on, in time order.

    Attributes
    ----------
    champion : (n,) the probabilities that the champion serves
    won : (n,) 1.0 or 0.0
    unlike : (n,) whether a feature lies far outside the champion's training range
    """

    champion: Floats
    won: Floats
    unlike: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The two models side by side.

    Attributes
    ----------
    challenger : (n,) probabilities of all new sessions, one source after the other, by models trained on earlier ones
    calibration_lost : calibration error beyond its band, challenger minus champion; worst variant
    recent_shift : mean change of the served probability on recent sessions, challenger minus champion
    skill_lost : Brier skill, walk-forward over the champion's history, champion minus challenger; worst variant
    skill : the challenger's own, where the champion's figures are about another event: then the two before are None,
        and its calibration error is taken as within its band
    """

    challenger: Floats
    calibration_lost: float
    recent_shift: float | None = None
    skill_lost: float | None = None
    skill: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the gate decides by.

    Attributes
    ----------
    market : sessions that have bars, judged by the bars alone
    reported : sessions known only from reported trades
    vix_correlation : of daily VIX and SPX changes over the new bars; None if there are too few
    comparison : None if no challenger could be trained
    """

    market: UnseenSessions
    reported: UnseenSessions
    vix_correlation: float | None = None
    comparison: Comparison | None = None


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Whether to promote and, if not, the reason in one line. The figures are kept either way."""

    promoted: bool
    reason: str | None
    figures: dict[str, Any]


def decide(evidence: Evidence, limits: GateLimits) -> GateDecision:
    """Judge a challenger: are the new sessions plausible and sufficient, and is it no worse on them?"""
    won = np.concatenate([evidence.market.won, evidence.reported.won])
    figures: dict[str, Any] = {
        "limits": asdict(limits),
        "confirmation_sessions": len(won),
        "confirmation_sessions_without_bars": len(evidence.reported.won),
        "confirmation_losses": int((won == 0).sum()),
    }
    doubts = _doubts(evidence, limits)
    checks = _comparison(evidence, won, limits)
    figures |= {check.name: check.value for check in doubts + checks}
    if reasons := _exceeded(doubts):
        return GateDecision(False, f"implausible_data: {reasons}", figures)
    if len(won) < limits.min_confirmation_sessions or figures["confirmation_losses"] < limits.min_confirmation_losses:
        return GateDecision(False, f"insufficient_evidence: {_too_few(figures, limits)}", figures)
    if evidence.comparison is None:
        return GateDecision(False, "insufficient_evidence: there is no challenger to compare", figures)
    reasons = _exceeded(checks)
    return GateDecision(not reasons, reasons or None, figures)


class _Check(NamedTuple):
    """A figure and the limit that it must not exceed; None if it is only reported."""

    name: str
    value: float
    limit: float | None = None


def _exceeded(checks: Sequence[_Check]) -> str:
    over = (check for check in checks if check.limit is not None and check.value > check.limit)
    return "; ".join(f"{check.name} {check.value:.4f} over {check.limit}" for check in over)


def _too_few(figures: Mapping[str, Any], limits: GateLimits) -> str:
    return (
        f"{figures['confirmation_sessions']} settled sessions since the champion's last, of which "
        f"{figures['confirmation_losses']} lost; {limits.min_confirmation_sessions} and "
        f"{limits.min_confirmation_losses} are needed to judge"
    )


def _doubts(evidence: Evidence, limits: GateLimits) -> list[_Check]:
    """Checks of whether the new sessions are plausible."""
    sources = [source for source in (evidence.market, evidence.reported) if len(source.won)]
    doubts = []
    if sources:
        unlike = np.concatenate([source.unlike for source in sources])
        doubts = [
            _Check("surprise", max(map(_surprise, sources)), limits.max_surprise),
            _Check("unlike_share", float(unlike.mean()), limits.max_unlike_share),
        ]
    if evidence.vix_correlation is not None:
        doubts.append(_Check("vix_correlation", evidence.vix_correlation, limits.max_vix_correlation))
    return doubts


def _surprise(news: UnseenSessions) -> float:
    """One-sided 95 % lower bound, in nats per session, of the log loss beyond what the champion expects.

    If its probabilities were true, a session's log loss would have mean -p log p - (1 - p) log (1 - p) and variance
    p (1 - p) log(p / (1 - p))^2.
    """
    p = _inside(news.champion)
    expected = -p * np.log(p) - (1 - p) * np.log(1 - p)
    variance = p * (1 - p) * np.log(p / (1 - p)) ** 2
    excess = _log_losses(p, news.won) - expected
    return float(excess.mean() - NORMAL_ONE_SIDED * np.sqrt(variance.sum()) / len(p))


def _comparison(evidence: Evidence, won: Floats, limits: GateLimits) -> list[_Check]:
    """Checks of the challenger against the champion, as far as there is anything to compare."""
    compared = evidence.comparison
    if compared is None:
        return []
    champion = np.concatenate([evidence.market.champion, evidence.reported.champion])
    checks, better = [], False
    if len(won) > 1:
        log_losses = _log_losses(compared.challenger, won) - _log_losses(champion, won)
        squared = _squared_errors(compared.challenger, won) - _squared_errors(champion, won)
        checks = [
            _Check("champion_log_loss", float(_log_losses(champion, won).mean())),
            _Check("challenger_log_loss", float(_log_losses(compared.challenger, won).mean())),
            _Check("log_loss", upper_bound_of_mean(log_losses), limits.log_loss_margin),
            _Check("brier", upper_bound_of_mean(squared), limits.brier_margin),
        ]
        better = upper_bound_of_mean(log_losses) < 0 and upper_bound_of_mean(squared) < 0
    if compared.skill is not None:
        checks.append(_Check("lack_of_skill", -compared.skill, -limits.min_skill))
    if compared.skill_lost is not None:
        checks.append(_Check("skill_lost", compared.skill_lost, limits.max_skill_lost))
    checks.append(_Check("calibration_lost", compared.calibration_lost, limits.max_calibration_lost))
    if compared.recent_shift is not None:
        checks.append(_Check("recent_shift", abs(compared.recent_shift), None if better else limits.max_recent_shift))
    return checks


def _log_losses(probability: Floats, won: Floats) -> Floats:
    inside = _inside(probability)
    return np.asarray(-np.log(np.where(won == 1.0, inside, 1 - inside)))


def _squared_errors(probability: Floats, won: Floats) -> Floats:
    return np.asarray((probability - won) ** 2)


def _inside(probability: Floats) -> Floats:
    """Keep probabilities away from 0 and 1, which only a foreign artefact gives, so that every figure is finite."""
    return np.clip(probability, CERTAINTY, 1 - CERTAINTY)
