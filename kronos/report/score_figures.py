"""Figures on the probability itself: reliability, its course over time, and skill by group."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kronos.market.history import Floats, years_of
from kronos.market.sessions import Days
from kronos.report.elements import Figure, Table
from kronos.report.formats import NINETY_FIVE, count, interval, percent, percent_tick, plain, signed, tick
from kronos.report.study import Study
from kronos.report.svg import Drawing, Panel
from kronos.statistics.calibration import Bin
from kronos.statistics.intervals import TAIL
from kronos.statistics.scores import Scores

BAND_SAMPLES = 2_000
WINDOW_SESSIONS = 63
WIDE, NARROW = 1040.0, 360.0
SKILL_ROW = 22.0
SKILL_LIMIT = 0.6
HISTOGRAM_BINS = 40


def reliability(name: str, multiplier: str, scores: Scores) -> Figure:
    """Win rate against probability in ten bins, with the band of a perfectly calibrated model."""
    bins = scores.bins
    low = np.floor(10 * min(min(one.mean_probability, one.win_rate_low) for one in bins)) / 10
    title = f"Reliability at multiplier {multiplier}"
    verdict = "inside" if scores.ece <= scores.ece_band else "outside"
    summary = (
        f"Ten bins of about {bins[0].count} sessions. Calibration error {plain(scores.ece, 4)}, "
        f"{verdict} the band of {plain(scores.ece_band, 4)}."
    )
    drawing = Drawing(name, NARROW, 340, title, summary)
    panel = Panel(drawing, (46, 34, 336, 286), (low, 1.0), (low, 1.0))
    _consistency_band(panel, bins)
    drawing.text(panel.right, panel.top - 10, f"multiplier {multiplier}", "label strong", "end")
    ticks = panel.x.ticks(5)
    panel.y_axis(ticks, percent_tick, "sessions won")
    panel.x_axis(ticks, percent_tick, "forecast probability")
    panel.line([low, 1], [low, 1], "reference")
    at, rate = [one.mean_probability for one in bins], [one.win_rate for one in bins]
    panel.upright(at, [one.win_rate_low for one in bins], [one.win_rate_high for one in bins], "whisker model")
    panel.dots(at, rate, "model")
    return Figure(drawing, f"Multiplier {multiplier}: {summary}", table=_bins_table(multiplier, bins))


def probabilities_histogram(study: Study) -> Figure:
    """How often each probability was given, and how many of those sessions were lost."""
    said, lost = study.probability, study.probability[study.won == 0]
    low = np.floor(20 * said.min()) / 20
    edges = np.linspace(low, 1, HISTOGRAM_BINS + 1)
    summary = (
        f"{count(len(said))} sessions, {count(len(lost))} of them lost. Half of the probabilities lie between "
        f"{percent(np.quantile(said, 0.25))} and {percent(np.quantile(said, 0.75))}."
    )
    drawing = Drawing("histogram", NARROW, 340, "How often each probability was given", summary)
    sessions, losses = np.histogram(said, edges)[0], np.histogram(lost, edges)[0]
    panel = Panel(drawing, (46, 34, 336, 286), (low, 1.0), (0.0, float(sessions.max()) * 1.05))
    panel.y_axis(panel.y.ticks(5), tick, "sessions (lost ones in orange)")
    panel.x_axis(panel.x.ticks(5), percent_tick, "forecast probability")
    panel.columns(edges, sessions, "model-fill")
    panel.columns(edges, losses, "loss-fill")
    return Figure(drawing, summary)


def over_time(study: Study) -> Figure:
    """Probability and win rate over the years."""
    summary = (
        f"Means over {WINDOW_SESSIONS} sessions: the forecast probability and the share then won. "
        "Band: the range of single days. Marks below: lost sessions."
    )
    wide, narrow = (
        _over_time(study, name, width, summary) for name, width in (("time", WIDE), ("time-narrow", NARROW))
    )
    return Figure(wide, summary, narrow=narrow)


def skill_by(name: str, what: str, groups: Mapping[str, Scores]) -> Figure:
    """Skill and its interval, one row per group."""
    below = sum(one.brier_skill < 0 for one in groups.values())
    clear = sum(one.brier_skill_interval[0] > 0 for one in groups.values())
    summary = f"Below zero in {below} of {len(groups)}; the {NINETY_FIVE} interval lies above zero in {clear}."
    bottom = 34 + SKILL_ROW * len(groups)
    drawing = Drawing(name, NARROW, bottom + 46, f"Brier skill by {what}", summary)
    drawing.text(2, 14, f"by {what}", "label strong")
    left = 24 + 6.5 * max(map(len, groups), default=0)
    panel = Panel(drawing, (left, 24, 336, bottom), _skill_range(groups), (len(groups) - 0.5, -0.5))
    panel.x_axis(panel.x.ticks(4), tick, "Brier skill against climatology")
    panel.upright([0], [panel.y.low], [panel.y.high], "reference")
    for row, (group, scores) in enumerate(groups.items()):
        y = panel.y.at(row)
        ends = np.clip(panel.x(scores.brier_skill_interval), panel.left, panel.right)
        css = "loss" if scores.brier_skill < 0 else "model"
        drawing.text(panel.left - 8, y + 4, group, "tick", "end")
        drawing.add("line", f"whisker {css}", x1=ends[0], x2=ends[1], y1=y, y2=y)
        panel.dots([np.clip(scores.brier_skill, panel.x.low, panel.x.high)], [row], css)
    return Figure(drawing, summary, table=skill_table(f"By {what}", what, groups))


def _skill_range(groups: Mapping[str, Scores]) -> tuple[float, float]:
    """A range that covers every interval, up to `SKILL_LIMIT` on either side."""
    ends = [end for one in groups.values() for end in one.brier_skill_interval]
    return max(min(*ends, -0.02), -SKILL_LIMIT) * 1.05, min(max(*ends, 0.02), SKILL_LIMIT) * 1.05


def skill_table(caption: str, what: str, groups: Mapping[str, Scores]) -> Table:
    """Sessions, losses, skill and calibration, one row per group."""
    columns = (what, "sessions", "lost", "Brier skill", "95 % interval", "AUC", "calibration error", "band")
    rows = [
        (
            name,
            count(one.sessions),
            count(losses(one)),
            signed(one.brier_skill),
            interval(one.brier_skill_interval),
            plain(one.auc),
            plain(one.ece, 4),
            plain(one.ece_band, 4),
        )
        for name, one in groups.items()
    ]
    return Table(caption, columns, rows)


def losses(scores: Scores) -> int:
    """Number of sessions lost."""
    return round(scores.sessions * (1 - scores.base_rate))


def year_ticks(sessions: Days, at_most: int) -> tuple[list[int], list[int]]:
    """Positions of the first session of each year, and the years; only every second, third, … if there are many."""
    years, first = np.unique(years_of(sessions), return_index=True)
    step = -(-len(years) // at_most)
    return [int(at) for at in first[::step]], [int(year) for year in years[::step]]


def _consistency_band(panel: Panel, bins: tuple[Bin, ...]) -> None:
    """Draw where 95 % of win rates would lie, bin by bin, if each bin's mean probability were true."""
    rng = np.random.default_rng(0)
    at = [one.mean_probability for one in bins]
    drawn = [rng.binomial(one.count, one.mean_probability, BAND_SAMPLES) / one.count for one in bins]
    low, high = np.quantile(drawn, [TAIL, 1 - TAIL], axis=1)
    panel.area(at, np.maximum(low, panel.y.low), high, "band")


def _bins_table(multiplier: str, bins: tuple[Bin, ...]) -> Table:
    columns = ("bin", "sessions", "mean probability", "won", "95 % interval")
    rows = [
        (
            str(at),
            count(one.count),
            percent(one.mean_probability),
            percent(one.win_rate),
            f"{percent(one.win_rate_low)} to {percent(one.win_rate_high)}",
        )
        for at, one in enumerate(bins, start=1)
    ]
    return Table(f"Reliability at multiplier {multiplier}", columns, rows)


def _over_time(study: Study, name: str, width: float, summary: str) -> Drawing:
    probability, won, n = study.probability, study.won, len(study.sessions)
    low = np.floor(10 * probability.min()) / 10
    drawing = Drawing(name, width, 330, "Probability over time", summary)
    panel = Panel(drawing, (46, 46, width - 14, 266), (0.0, float(n - 1)), (low, 1.0))
    panel.y_axis(panel.y.ticks(5), percent_tick)
    xs, lowest, highest = _weekly_range(probability, int(width / 4))
    panel.area(xs, lowest, highest, "band-model")
    panel.line(np.arange(n), study.climatology, "reference")
    panel.line(np.arange(n), _rolling_mean(won), "other")
    panel.line(np.arange(n), _rolling_mean(probability), "model")
    drawing.legend(4, 18, (("model", "probability"), ("other", "won"), ("reference", "base rate")))
    panel.rug(np.flatnonzero(won == 0), "rug")
    at, years = year_ticks(study.sessions, int(width / 44))
    for x, year in zip(panel.x(at), years, strict=True):
        drawing.add("line", "axis", x1=x, x2=x, y1=panel.bottom, y2=panel.bottom + 20)
        drawing.text(x + 3, panel.bottom + 30, str(year), "tick")
    return drawing


def _rolling_mean(values: Floats) -> Floats:
    """(n,) mean of the window that ends at each position; NaN before the first full window."""
    window = min(WINDOW_SESSIONS, len(values))
    sums = np.cumsum(np.concatenate([[0.0], values]))
    return np.concatenate([np.full(window - 1, np.nan), (sums[window:] - sums[:-window]) / window])


def _weekly_range(values: Floats, at_most: int) -> tuple[Floats, Floats, Floats]:
    """Middle, lowest and highest of consecutive stretches, at least five sessions each."""
    stretches = np.array_split(np.arange(len(values)), max(1, min(at_most, len(values) // 5)))
    middle = np.array([stretch.mean() for stretch in stretches])
    lowest = np.array([values[stretch].min() for stretch in stretches])
    return middle, lowest, np.array([values[stretch].max() for stretch in stretches])
