"""A small SVG plotter: drawings, panels with axes, and marks in data coordinates. Colours live in the style sheet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt

Anchor = Literal["start", "middle", "end"]
_Number = float | np.floating
Values = Sequence[float] | npt.NDArray[np.floating] | npt.NDArray[np.integer]

TICK_GAP = 6
LINE_HEIGHT = 15


class Drawing:
    """One `<svg>`, with a title and a description for screen readers.

    Parameters
    ----------
    name : unique on the page
    width, height : in its own coordinates, in which text is 12 high
    title, description : what it shows, and what to see in it
    """

    def __init__(self, name: str, width: float, height: float, title: str, description: str) -> None:
        self.width = width
        self.root = ET.Element(
            "svg",
            {
                "viewBox": f"0 0 {_short(width)} {_short(height)}",
                "width": _short(width),
                "height": _short(height),
                "role": "img",
                "aria-labelledby": f"{name}-title {name}-description",
            },
        )
        ET.SubElement(self.root, "title", {"id": f"{name}-title"}).text = title
        ET.SubElement(self.root, "desc", {"id": f"{name}-description"}).text = description

    def add(self, tag: str, css: str, **attributes: _Number | str) -> ET.Element:
        """Append an element; `_` in an attribute's name becomes `-`."""
        given = {
            name.replace("_", "-"): value if isinstance(value, str) else _short(value)
            for name, value in attributes.items()
        }
        return ET.SubElement(self.root, tag, {"class": css, **given})

    def text(self, x: _Number, y: _Number, text: str, css: str = "label", anchor: Anchor = "start") -> None:
        """Write text with its baseline at y."""
        self.add("text", css, x=x, y=y, text_anchor=anchor).text = text

    def legend(self, x: _Number, y: _Number, entries: Sequence[tuple[str, str]]) -> None:
        """Draw a row of line samples, given as (class of the mark, text)."""
        for css, text in entries:
            self.add("line", css, x1=x, x2=x + 22, y1=y - 4, y2=y - 4)
            self.text(x + 27, y, text)
            x = float(x) + 43 + 6.3 * len(text)

    def markup(self) -> str:
        """The element as text."""
        return ET.tostring(self.root, encoding="unicode")


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from data to coordinates."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values: Values | _Number) -> npt.NDArray[np.float64]:
        """Coordinates of values, not clipped."""
        share = (np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low)
        return np.asarray(self.start + share * (self.end - self.start))

    def at(self, value: float) -> float:
        """The coordinate of one value, not clipped."""
        return float(self(value))

    def ticks(self, about: int) -> list[float]:
        """Round numbers inside the range, about as many as asked for."""
        step = _round_step((self.high - self.low) / about)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(at * step, 10) for at in range(first, last + 1)]


class Panel:
    """A rectangle of a drawing, with a scale for each axis."""

    def __init__(
        self,
        drawing: Drawing,
        box: tuple[float, float, float, float],
        x: tuple[float, float],
        y: tuple[float, float],
    ) -> None:
        self.drawing = drawing
        self.left, self.top, self.right, self.bottom = box
        self.x = Scale(*x, self.left, self.right)
        self.y = Scale(*y, self.bottom, self.top)

    def x_axis(self, ticks: Values, label: Callable[[float], str], title: str = "") -> None:
        """Draw tick labels below the panel, and a title below them."""
        self.drawing.add("line", "axis", x1=self.left, x2=self.right, y1=self.bottom, y2=self.bottom)
        for tick, at in zip(ticks, self.x(ticks), strict=True):
            self.drawing.add("line", "axis", x1=at, x2=at, y1=self.bottom, y2=self.bottom + 4)
            self.drawing.text(at, self.bottom + 4 + LINE_HEIGHT - 2, label(float(tick)), "tick", "middle")
        if title:
            middle = (self.left + self.right) / 2
            self.drawing.text(middle, self.bottom + 4 + 2 * LINE_HEIGHT, title, "label", "middle")

    def y_axis(self, ticks: Values, label: Callable[[float], str], title: str = "") -> None:
        """Draw tick labels on the left, each with a grid line, and a title above."""
        for tick, at in zip(ticks, self.y(ticks), strict=True):
            self.drawing.add("line", "grid", x1=self.left, x2=self.right, y1=at, y2=at)
            self.drawing.text(self.left - TICK_GAP, at + 4, label(float(tick)), "tick", "end")
        if title:
            self.drawing.text(2, self.top - 10, title)

    def line(self, xs: Values, ys: Values, css: str) -> None:
        """Draw a line through points, broken where y is NaN; if they crowd, through the extremes at each coordinate."""
        across, up = self.x(xs), self.y(ys)
        path, pen = [], "M"
        for at in _extremes(up, int(self.right - self.left)):
            if math.isnan(up[at]):
                pen = "M"
                continue
            path.append(f"{pen}{_short(across[at])} {_short(up[at])}")
            pen = "L"
        self.drawing.add("path", css, d="".join(path))

    def rug(self, xs: Values, css: str) -> None:
        """Draw a short stroke below the panel at each x."""
        strokes = (f"M{_short(x)} {_short(self.bottom + 2)}v12" for x in self.x(xs))
        self.drawing.add("path", css, d="".join(strokes))

    def area(self, xs: Values, low: Values, high: Values, css: str) -> None:
        """Fill between two lines over the same x."""
        across = self.x(xs)
        there = zip(across, self.y(low), strict=True)
        back = zip(across[::-1], self.y(high)[::-1], strict=True)
        points = " ".join(f"{_short(x)},{_short(y)}" for x, y in [*there, *back])
        self.drawing.add("polygon", css, points=points)

    def dots(self, xs: Values, ys: Values, css: str, radius: float = 3.5) -> None:
        """Draw a disc at each point."""
        for x, y in zip(self.x(xs), self.y(ys), strict=True):
            self.drawing.add("circle", css, cx=x, cy=y, r=radius)

    def upright(self, xs: Values, low: Values, high: Values, css: str) -> None:
        """Draw a vertical line at each x, clipped to the panel."""
        bottom, top = np.clip(self.y(low), self.top, self.bottom), np.clip(self.y(high), self.top, self.bottom)
        for x, y1, y2 in zip(self.x(xs), bottom, top, strict=True):
            self.drawing.add("line", css, x1=x, x2=x, y1=y1, y2=y2)

    def columns(self, edges: Values, heights: Values, css: str) -> None:
        """Draw a histogram, with one column between each pair of neighbouring edges."""
        across, tops = self.x(edges), self.y(heights)
        for left, right, top in zip(across[:-1], across[1:], tops, strict=True):
            self.drawing.add("rect", css, x=left, y=top, width=max(right - left - 1, 0.5), height=self.bottom - top)


def _extremes(values: npt.NDArray[np.float64], stretches: int) -> npt.NDArray[np.intp]:
    """Positions of the first and last value, and of the lowest and highest in each of this many stretches."""
    if len(values) <= 2 * stretches:
        return np.arange(len(values))
    kept = {0, len(values) - 1}
    for stretch in np.array_split(np.arange(len(values)), stretches):
        known = stretch[~np.isnan(values[stretch])]
        ends = (values[known].argmin(), values[known].argmax()) if len(known) else ()
        kept |= {int(known[end]) for end in ends} or {int(stretch[0])}
    return np.array(sorted(kept))


def _short(value: _Number) -> str:
    """A number with at most one decimal: short, and the same on every machine."""
    text = f"{float(value):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _round_step(rough: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
