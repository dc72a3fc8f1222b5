"""Figures about features: how much skill each carries, and how it moves the probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kronos.report.effects import Effect
from kronos.report.elements import Figure, Table
from kronos.report.formats import MINUS, NINETY_FIVE, interval, percent, percent_tick, signed, tick
from kronos.report.svg import Drawing, Panel

ROW = 24.0
WIDTH, HEIGHT = 360.0, 250.0
DENSITY_HEIGHT = 34.0
DENSITY_BINS = 30
FLAT_BELOW = 0.005
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
LOW_RANK, HIGH_RANK = 0.1, 0.9


def importance(effects: Sequence[Effect]) -> Figure:
    """The skill lost without each feature."""
    summary = (
        f"Brier skill lost, on sessions the models never saw, when a feature is shuffled; {NINETY_FIVE} intervals."
    )
    bottom = 24 + ROW * len(effects)
    drawing = Drawing("importance", WIDTH, bottom + 46, "What each feature carries", summary)
    ends = [end for effect in effects for end in effect.skill_lost_interval]
    panel = Panel(drawing, (178, 14, 346, bottom), (min(*ends, -0.002), max(*ends, 0.005)), (len(effects) - 0.5, -0.5))
    panel.x_axis(panel.x.ticks(3), tick, "Brier skill lost")
    panel.upright([0], [panel.y.low], [panel.y.high], "reference")
    for row, effect in enumerate(effects):
        y = panel.y.at(row)
        low, high = panel.x(effect.skill_lost_interval)
        drawing.text(panel.left - 8, y + 4, effect.name, "tick", "end")
        drawing.add("line", "whisker model", x1=low, x2=high, y1=y, y2=y)
        panel.dots([effect.skill_lost], [row], "model")
    return Figure(drawing, summary)


def directions(effects: Sequence[Effect]) -> Table:
    """The same as a table, with how each feature moves the probability."""
    columns = ("feature", "skill lost", "95 % interval", "what it does")
    rows = [
        (one.name, signed(one.skill_lost, 4), interval(one.skill_lost_interval, 4), direction(one)) for one in effects
    ]
    return Table("What each feature does, the most important first", columns, rows)


def effect(index: int, shown: Effect, probabilities: tuple[float, float]) -> Figure:
    """The probability along one feature, what was observed, and where the data lies.

    Parameters
    ----------
    probabilities : range of the vertical axis, the same for all features
    """
    name = shown.name
    summary = f"{meaning(shown)}. {direction(shown)}"
    drawing = Drawing(f"effect-{index}", WIDTH, HEIGHT, f"Probability along {name}", summary)
    panel = Panel(drawing, (46, 30, 346, HEIGHT - 36), _across(shown), probabilities)
    panel.y_axis(panel.y.ticks(4), percent_tick)
    drawing.text(2, 16, name, "label strong")
    ticks = shown.values if shown.discrete else panel.x.ticks(5)
    panel.x_axis(ticks, lambda tick: tick_label(name, tick))
    _density(panel, shown)
    if shown.discrete:
        panel.upright(shown.values, shown.lowest, shown.highest, "band-stroke")
        panel.dots(shown.values, shown.probability, "model", 5)
    else:
        panel.area(shown.values, shown.lowest, shown.highest, "band-model")
        panel.line(shown.values, shown.probability, "model")
    at = np.array([one.value for one in shown.observed]) + (_beside(panel) if shown.discrete else 0.0)
    panel.upright(at, [one.low for one in shown.observed], [one.high for one in shown.observed], "whisker other")
    panel.dots(at, np.clip([one.win_rate for one in shown.observed], *probabilities), "other", 3)
    return Figure(drawing, summary)


def common_probabilities(effects: Sequence[Effect]) -> tuple[float, float]:
    """A vertical range that shows every curve and every observed win rate."""
    curves = [float(shown.lowest.min()) for shown in effects]
    observed = [one.win_rate for shown in effects for one in shown.observed]
    return float(np.floor(20 * (min(curves + observed) - 0.05)) / 20), 1.0


def meaning(shown: Effect) -> str:
    """A feature in words, with the features that moved together with it."""
    feature, *others = shown.features
    unit = "" if feature.encoding == "weekday" else f" ({feature.unit})"
    along = " and ".join(other.name for other in others)
    words = feature.meaning + unit
    return words + (f", moved together with {along}" if along else "")


def direction(shown: Effect) -> str:
    """How the shipped model's probability moves along the feature."""
    if not shown.varies:
        return "It has the same value in every tested session."
    if shown.discrete:
        low, high = int(shown.probability.argmin()), int(shown.probability.argmax())
        between = (
            f"{percent(shown.probability[low])} at {tick_label(shown.name, shown.values[low])} to "
            f"{percent(shown.probability[high])} at {tick_label(shown.name, shown.values[high])}."
        )
        return f"From {between}"
    first, last = _at_ranks(shown)
    start, end = shown.probability[first], shown.probability[last]
    way = "hardly moves" if abs(end - start) < FLAT_BELOW else "rises" if end > start else "falls"
    return (
        f"The probability {way}, {percent(start)} to {percent(end)}, from "
        f"{tick_label(shown.name, shown.values[first])} to {tick_label(shown.name, shown.values[last])} "
        "(10th to 90th percentile)."
    )


def tick_label(name: str, value: float) -> str:
    """A value of a feature; weekdays by name."""
    if name == "day_of_week":
        return WEEKDAYS[int(value)]
    return f"{value:.3g}".replace("-", MINUS)


def _at_ranks(shown: Effect) -> tuple[int, int]:
    wanted = np.quantile(shown.tested, [LOW_RANK, HIGH_RANK])
    first, last = (int(np.abs(shown.values - value).argmin()) for value in wanted)
    return first, last


def _across(shown: Effect) -> tuple[float, float]:
    low, high = float(shown.values[0]), float(shown.values[-1])
    margin = 0.5 if shown.discrete else 0.02 * (high - low)
    return low - margin, high + margin


def _beside(panel: Panel) -> float:
    """The offset, in data units, that places observed values a little to the right of the model's."""
    return 10 * (panel.x.high - panel.x.low) / (panel.right - panel.left)


def _density(panel: Panel, shown: Effect) -> None:
    """Draw where the sessions lie, along the bottom of the panel."""
    if shown.discrete:
        edges = np.concatenate([[value - 0.25, value + 0.25] for value in shown.values])
    else:
        edges = np.linspace(panel.x.low, panel.x.high, DENSITY_BINS + 1)
    counts = np.histogram(shown.tested, edges)[0]
    box = (panel.left, panel.bottom - DENSITY_HEIGHT, panel.right, panel.bottom)
    along = Panel(panel.drawing, box, (panel.x.low, panel.x.high), (0.0, float(counts.max())))
    along.columns(edges, counts, "density")
