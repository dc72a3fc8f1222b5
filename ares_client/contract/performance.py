"""`GET /performance`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from ares_client.contract.values import Probability, Reply, TradingAdvice, one_of


class ReliabilityBin(Reply):
    """One bin of equal count. The bins are ordered from the lowest probabilities to the highest."""

    count: int
    mean_probability: Probability
    win_rate: Probability
    win_rate_low: float = Field(description="lower end of the 95 % Wilson interval")
    win_rate_high: float = Field(description="upper end of the 95 % Wilson interval")


class LiveCalibration(Reply):
    """Predicted probabilities compared with results, with one observation per session and condor.

    A condor whose strikes and entry price are known is scored at its own distances, others at the multiplier traded.
    """

    observations: int
    sessions: int
    wins: int
    win_rate: Probability
    mean_probability: Probability
    mean_base_rate: Probability
    expected_wins: float = Field(description="sum of the predicted probabilities")
    expected_wins_interval: tuple[int, int] = Field(
        description="95 % interval of the wins that a calibrated model would see"
    )
    brier: float
    base_rate_brier: float
    brier_skill: float | None = Field(description="1 - Brier / Brier of the base rates")
    brier_skill_interval: tuple[float, float] | None = Field(
        description="95 % interval, block bootstrap by session; null with fewer than 5 wins or 5 losses"
    )
    recent_observations: int = Field(
        default=0,
        description="observations with bars for the win rate of the 252 sessions before; "
        "the recent figures are over these, and null if there are none",
    )
    mean_recent_rate: Probability | None = None
    recent_rate_brier: float | None = None
    brier_skill_recent: float | None = Field(
        default=None, description="1 - Brier / Brier of the recent rates: the harder reference, since levels drift"
    )
    brier_skill_recent_interval: tuple[float, float] | None = Field(
        default=None, description="as `brier_skill_interval`"
    )
    log_loss: float | None = Field(description="in nats; null if a probability of 0 or 1 was wrong")
    base_rate_log_loss: float | None
    ece: float = Field(description="expected calibration error over the bins")
    ece_band: float = Field(description="95 % bound of `ece` for a calibrated model with as many observations")
    bins: list[ReliabilityBin]


class LeftOut(Reply):
    """Reported trades that are not scored, each under the first reason that applies. Their P&L still counts."""

    unmatched: int = Field(description="no matching advice in the log")
    in_sample: int = Field(description="the advising model was trained on that session")
    training_unknown: int = Field(description="the last session that the advising model was trained on is not known")
    label_contradicted: int = Field(description="the settlement contradicts the reported outcome")
    off_the_grid: int = Field(
        default=0, description="a short strike lies beyond the multipliers that the advice priced"
    )
    repeated: int = Field(description="another trade of the same session and condor is scored")


class ReportedMoney(Reply):
    """Net P&L as the bots reported it: $ after costs, for whole positions."""

    trades: int
    total_net_pnl_dollars: float
    mean_net_pnl_dollars: float | None


class AdvicePerformance(ReportedMoney):
    """Results of one kind of advice, given out of sample."""

    advice: TradingAdvice
    sessions: int = Field(description="pairs of bot and session whose first advice was this one, traded or not")
    scored_trades: int = Field(description="trades that are scored, repeated ones too")
    win_rate: Probability | None
    mean_probability: Probability | None


class SkippedInWorld(Reply):
    """The same sessions, sold in one world of price."""

    world: str
    money: str = Field(description="what to call it: modelled, and by what")
    sessions: int = Field(description="those whose credit is known and covers the slippage")
    total_net_pnl_dollars: float | None
    mean_net_pnl_dollars: float | None


class SkippedSessions(Reply):
    """What one condor would have made in each session that was advised against and not traded."""

    modelled: Literal[True] = True
    note: str
    sessions: int = Field(description="pairs of bot and session advised SKIP_TODAY out of sample, without a trade")
    modelled_sessions: int
    not_modelled: int
    win_rate: Probability | None = Field(description="at exact multiples of the expected move, like the model's labels")
    mean_probability: Probability | None = Field(description="as predicted for the modelled sessions")
    total_net_pnl_dollars: float | None = Field(
        description="modelled by VIX only, with one contract per session; read it beside the other `worlds`"
    )
    mean_net_pnl_dollars: float | None
    worlds: list[SkippedInWorld] = Field(default=[])


class FeatureDrift(Reply):
    """One feature in the window's sessions, compared with the champion's training rows."""

    feature: str
    meaning: str = ""
    unit: str = ""
    sessions: int
    live_mean: float
    training_mean: float
    mean_shift: float | None = Field(description="in standard deviations of the training rows")
    outside_range: Probability = Field(description="share of values outside the training range")
    psi: float = Field(description="population stability index over the training deciles")
    watch_above: float
    shifted_above: float
    verdict: Annotated[str, one_of("ok", "watch", "shifted", "too_few")]


class AdvisedSessions(Reply):
    """The first advice for each bot and session: how many there are, and counts of what they say, by name."""

    sessions: int
    in_sample: int
    training_unknown: int
    replayed: int = Field(default=0, description="requested after the day of the session: a replay, not the live bot")
    model_versions: dict[str, int]
    statuses: dict[str, int]
    reasons: dict[str, int]
    variants: dict[str, int]


class Performance(Reply):
    """Advice joined to outcomes over a window of sessions, at the distances actually traded."""

    bot: str | None
    start: date
    end: date
    champion: str | None = Field(description="model version that `drift` refers to")
    advised: AdvisedSessions
    reported: ReportedMoney
    left_out: LeftOut
    calibration: LiveCalibration | None = Field(description="null if no trade can be scored")
    by_advice: list[AdvicePerformance]
    skipped: SkippedSessions
    drift: list[FeatureDrift]
