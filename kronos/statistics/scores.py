"""Scores of out-of-sample probabilities. Each score is one object, and adding it to `SCORES` is all it takes.

Models trained before a score existed lack it in their stored metrics, so readers treat a missing score as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from kronos.market.history import Floats
from kronos.statistics.calibration import BINS, Bin, calibration_band, expected_calibration_error, reliability_bins
from kronos.statistics.decomposition import Decomposition, decompose
from kronos.statistics.intervals import skill_interval, t_statistic

Value = float | tuple[float, float]


@dataclass(frozen=True)
class Forecasts:
    """Probabilities for one multiplier, climatology beside them, and the outcomes.

    Attributes
    ----------
    probability, climatology : (n,) strictly between 0 and 1, made before `won` was known, in time order
    recent : (n,) the win rate of the last 252 sessions, likewise
    won : (n,) 1.0 or 0.0
    rng : for the bootstrap and the band
    """

    probability: Floats
    climatology: Floats
    recent: Floats
    won: Floats
    rng: np.random.Generator

    @cached_property
    def squared_errors(self) -> tuple[Floats, Floats]:
        """(n,) squared errors of the probabilities and (n,) of climatology."""
        return (self.probability - self.won) ** 2, (self.climatology - self.won) ** 2

    @cached_property
    def recent_squared_errors(self) -> tuple[Floats, Floats]:
        """(n,) squared errors of the probabilities and (n,) of the recent climatology."""
        return (self.probability - self.won) ** 2, (self.recent - self.won) ** 2

    @cached_property
    def decomposition(self) -> Decomposition:
        """Of the Brier score."""
        return decompose(self.probability, self.won)


@dataclass(frozen=True, slots=True)
class Score:
    """One measure of how good probabilities are.

    Attributes
    ----------
    unit : "" for a pure number
    better : which direction is better; None if it only describes
    of : computes its value
    label : column heading in tables; None leaves it out of them
    form : format specification for its numbers
    """

    name: str
    unit: str
    better: Literal["lower", "higher"] | None
    meaning: str
    of: Callable[[Forecasts], Value]
    label: str | None = None
    form: str = ".4f"

    def shown(self, value: Value) -> str:
        """The value as text for a table."""
        return " ".join(format(number, self.form) for number in (value if isinstance(value, tuple) else (value,)))


def _accuracy(forecasts: Forecasts) -> float:
    return float(((forecasts.probability >= 0.5) == (forecasts.won == 1.0)).mean())


def _brier(forecasts: Forecasts) -> float:
    return float(forecasts.squared_errors[0].mean())


def _brier_skill(forecasts: Forecasts) -> float:
    ours, reference = forecasts.squared_errors
    return float(1 - ours.mean() / reference.mean())


def _brier_skill_recent(forecasts: Forecasts) -> float:
    ours, reference = forecasts.recent_squared_errors
    return float(1 - ours.mean() / reference.mean())


def _brier_skill_recent_interval(forecasts: Forecasts) -> tuple[float, float]:
    return skill_interval(*forecasts.recent_squared_errors, forecasts.rng)


def _brier_skill_recent_t(forecasts: Forecasts) -> float:
    ours, reference = forecasts.recent_squared_errors
    return t_statistic(reference - ours)


def _miscalibration(forecasts: Forecasts) -> float:
    return forecasts.decomposition.miscalibration


def _discrimination(forecasts: Forecasts) -> float:
    return forecasts.decomposition.discrimination


def _uncertainty(forecasts: Forecasts) -> float:
    return forecasts.decomposition.uncertainty


def _brier_skill_interval(forecasts: Forecasts) -> tuple[float, float]:
    return skill_interval(*forecasts.squared_errors, forecasts.rng)


def _brier_skill_t(forecasts: Forecasts) -> float:
    ours, reference = forecasts.squared_errors
    return t_statistic(reference - ours)


def _log_loss(forecasts: Forecasts) -> float:
    return log_loss(forecasts.probability, forecasts.won)


def _auc(forecasts: Forecasts) -> float:
    return auc(forecasts.probability, forecasts.won)


def _ece(forecasts: Forecasts) -> float:
    return expected_calibration_error(forecasts.probability, forecasts.won)


def _ece_band(forecasts: Forecasts) -> float:
    return calibration_band(forecasts.probability, forecasts.rng)


def log_loss(probability: Floats, won: Floats) -> float:
    """Mean negative log likelihood, nats."""
    return float(-np.log(np.where(won == 1.0, probability, 1 - probability)).mean())


def auc(probability: Floats, won: Floats) -> float:
    """Area under the ROC curve, with ties counting half; 0.5 if only one class occurs."""
    wins = int(won.sum())
    losses = len(won) - wins
    if not wins or not losses:
        return 0.5
    ranks = average_ranks(probability)
    return float((ranks[won == 1.0].sum() - wins * (wins + 1) / 2) / (wins * losses))


def average_ranks(values: Floats) -> Floats:
    """(n,) ranks from 1; equal values share the mean of their ranks."""
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[at])


SCORES = (
    Score("accuracy", "", "higher", "share of sessions called right at probability 0.5", _accuracy),
    Score("brier", "", "lower", "mean squared error of the probability", _brier, "Brier"),
    Score("brier_skill", "", "higher", "1 - Brier / Brier of climatology", _brier_skill, "skill", "+.4f"),
    Score("brier_skill_interval", "", None, "95 %, block bootstrap", _brier_skill_interval, "95 %", "+.3f"),
    Score("brier_skill_t", "", "higher", "mean gain over climatology, over its standard error", _brier_skill_t),
    Score(
        "brier_skill_recent",
        "",
        "higher",
        "1 - Brier / Brier of the win rate of the last 252 sessions",
        _brier_skill_recent,
        "recent",
        "+.4f",
    ),
    Score("brier_skill_recent_interval", "", None, "95 %, block bootstrap", _brier_skill_recent_interval),
    Score(
        "brier_skill_recent_t",
        "",
        "higher",
        "mean gain over the win rate of the last 252 sessions, over its standard error",
        _brier_skill_recent_t,
        "t",
        "+.1f",
    ),
    Score("miscalibration", "", "lower", "what the best increasing recalibration would gain in Brier", _miscalibration),
    Score("discrimination", "", "higher", "what it then gains over the sample's win rate", _discrimination),
    Score("uncertainty", "", None, "Brier of the sample's win rate", _uncertainty),
    Score("log_loss", "nats", "lower", "mean negative log likelihood", _log_loss, "log loss"),
    Score("auc", "", "higher", "area under the ROC curve", _auc, "AUC", ".3f"),
    Score("ece", "", "lower", "expected calibration error over ten equal-count bins", _ece, "ECE"),
    Score("ece_band", "", None, "95 % bound of `ece` for a perfectly calibrated model of this size", _ece_band, "band"),
)


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one set of probabilities.

    Attributes
    ----------
    sessions : how many were scored
    base_rate : share of them that won
    values : by the name of each score in `SCORES`
    bins : of the reliability diagram
    """

    sessions: int
    base_rate: float
    values: Mapping[str, Value]
    bins: tuple[Bin, ...]

    @property
    def brier(self) -> float:
        """See `SCORES`, as for the other scores."""
        return self._number("brier")

    @property
    def brier_skill(self) -> float:
        """Against climatology."""
        return self._number("brier_skill")

    @property
    def brier_skill_interval(self) -> tuple[float, float]:
        """95 %, block bootstrap."""
        return self._pair("brier_skill_interval")

    @property
    def brier_skill_recent(self) -> float:
        """Against the win rate of the last 252 sessions."""
        return self._number("brier_skill_recent")

    @property
    def brier_skill_recent_interval(self) -> tuple[float, float]:
        """95 %, block bootstrap."""
        return self._pair("brier_skill_recent_interval")

    @property
    def brier_skill_t(self) -> float:
        """Its t statistic."""
        return self._number("brier_skill_t")

    @property
    def accuracy(self) -> float:
        """At probability 0.5."""
        return self._number("accuracy")

    @property
    def log_loss(self) -> float:
        """Nats."""
        return self._number("log_loss")

    @property
    def auc(self) -> float:
        """0.5 is chance."""
        return self._number("auc")

    @property
    def ece(self) -> float:
        """Expected calibration error."""
        return self._number("ece")

    @property
    def ece_band(self) -> float:
        """A perfectly calibrated model stays below this in 95 % of samples."""
        return self._number("ece_band")

    def as_dict(self, *, with_bins: bool = True) -> dict[str, Any]:
        """Plain values, for JSON."""
        values = {"sessions": self.sessions, "base_rate": self.base_rate, **self.values}
        return values | ({"bins": [asdict(one) for one in self.bins]} if with_bins else {})

    def _pair(self, name: str) -> tuple[float, float]:
        value = self.values[name]
        if not isinstance(value, tuple):
            raise TypeError(f"{name} is a pair")
        return value

    def _number(self, name: str) -> float:
        value = self.values[name]
        if isinstance(value, tuple):
            raise TypeError(f"{name} is a number")
        return value


def score(probability: Floats, climatology: Floats, recent: Floats, won: Floats, seed: int = 0) -> Scores:
    """Score the probabilities for one multiplier.

    Parameters
    ----------
    probability, climatology, recent : (n,) strictly between 0 and 1, made before `won` was known, in time order
    won : (n,) 1.0 or 0.0
    seed : for the bootstrap and the band
    """
    forecasts = Forecasts(probability, climatology, recent, won, np.random.default_rng(seed))
    return Scores(
        sessions=len(won),
        base_rate=float(won.mean()),
        values={one.name: one.of(forecasts) for one in SCORES},
        bins=reliability_bins(probability, won, BINS),
    )
