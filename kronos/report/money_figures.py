"""Figures on modelled money and on outcomes; every drawing that shows dollars says that they are modelled."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kronos.condor.spec import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS
from kronos.condor.worlds import World
from kronos.market.history import Floats
from kronos.report import money_tables
from kronos.report.elements import Figure, Table
from kronos.report.formats import (
    MINUS,
    dollars,
    interval,
    percent,
    percent_tick,
    plain,
    tick,
)
from kronos.report.money import growth_in_words
from kronos.report.score_figures import NARROW, WIDE, year_ticks
from kronos.report.study import Study
from kronos.report.svg import Drawing, Panel
from kronos.statistics.ratios import loss_from_peak
from kronos.training.fair_value_scores import FairValueScores
from kronos.training.money_study import ALWAYS, POLICY, MoneyStudy
from kronos.training.sizing import LARGEST_DRAWDOWN

ROW = 26.0
LARGEST_DRAWDOWN_PCT = 100 * LARGEST_DRAWDOWN


def fair_value(scores: FairValueScores) -> Figure:
    """Mean payout said against mean payout paid, by decile."""
    at_one = scores.by_multiplier["1.0"]
    summary = (
        f"Condors at multiplier 1.0, wings {scores.wing_points:g} points wide. They were said to pay "
        f"{plain(at_one.said, 3)} points on average and paid {plain(at_one.paid, 3)} (said minus paid, 95 % interval: "
        f"{interval(at_one.bias_interval)})."
    )
    top = 1.05 * max(max(tenth.said, tenth.paid_interval[1]) for tenth in scores.deciles)
    drawing = Drawing("fair-value", NARROW, 340, "Payout said against payout paid", summary)
    panel = Panel(drawing, (46, 34, 336, 286), (0.0, top), (0.0, top))
    ticks = panel.x.ticks(5)
    panel.y_axis(ticks, tick, "mean payout, index points")
    panel.x_axis(ticks, tick, "fair credit, index points")
    panel.line([0, top], [0, top], "reference")
    said, paid = [tenth.said for tenth in scores.deciles], [tenth.paid for tenth in scores.deciles]
    low, high = ([tenth.paid_interval[end] for tenth in scores.deciles] for end in (0, 1))
    panel.upright(said, low, high, "whisker model")
    panel.dots(said, paid, "model")
    return Figure(drawing, summary, table=money_tables.deciles(scores))


def equity(study: Study, money: MoneyStudy) -> Figure:
    """Equity and drawdown of always trading and of the policy, in the short-dated world."""
    world = World.SHORT_DATED
    always, followed = (money.rules[rule] * money.net_dollars(world) for rule in (ALWAYS, POLICY))
    ends = [dollars(float(pnl.sum())) for pnl in (always, followed)]
    summary = (
        f"Money: {world.money}, $ of one condor per session at multiplier 1.0, after costs. Always trading ends at "
        f"{ends[0]}, the policy at {ends[1]}. As accounts at {money.risk_pct:g} % risk: "
        f"{growth_in_words(money, world)}."
    )
    wide, narrow = (
        _equity(study, name, width, always, followed, summary)
        for name, width in (("equity", WIDE), ("equity-narrow", NARROW))
    )
    return Figure(wide, summary, narrow=narrow)


def sizes(money: MoneyStudy) -> Figure:
    """Growth, and the bad year's drawdown, over the size, in the short-dated world."""
    world = World.SHORT_DATED
    found = {rule: [one for one in money.sizes if (one.rule, one.world) == (rule, world)] for rule in (POLICY, ALWAYS)}
    survives = {
        rule: max((one.risk_pct for one in points if one.year_drawdown_pct <= LARGEST_DRAWDOWN_PCT), default=0.0)
        for rule, points in found.items()
    }
    summary = (
        f"Money: {world.money}, after costs. Above, growth a year; below, the worst drawdown within a year at its 95th "
        f"percentile. Following the policy, {survives[POLICY]:g} % keeps that under a third; selling every session, "
        f"{survives[ALWAYS]:g} %. Here sessions count as sold whose modelled credit would not pay the slippage."
    )
    drawing = Drawing("sizes", NARROW, 420, "Growth and drawdown over the size", summary)
    risks = [one.risk_pct for one in found[POLICY]]
    across = (0.0, max(risks))
    growths = {rule: [one.growth_pct for one in points] for rule, points in found.items()}
    drawdowns = {rule: [one.year_drawdown_pct for one in points] for rule, points in found.items()}
    spread = [value for values in growths.values() for value in values]
    upper = Panel(drawing, (52, 60, 336, 200), across, (min(*spread, 0.0) * 1.05, max(*spread, 1.0) * 1.05))
    lower = Panel(drawing, (52, 236, 336, 376), across, (0.0, 100.0))
    drawing.legend(4, 16, (("model", "the policy"), ("other", "always")))
    upper.y_axis(upper.y.ticks(4), tick, "growth, % a year, modelled")
    lower.y_axis(lower.y.ticks(4), tick, "drawdown in a bad year, %, modelled")
    lower.x_axis(lower.x.ticks(5), tick, "risk on a trade, % of equity")
    lower.line(list(across), [LARGEST_DRAWDOWN_PCT] * 2, "reference")
    for rule, css in ((POLICY, "model"), (ALWAYS, "other")):
        upper.line(risks, growths[rule], css)
        lower.line(risks, drawdowns[rule], css)
    return Figure(drawing, summary, table=money_tables.sizes(money))


def outcomes(study: Study) -> Figure:
    """How the condors ended, by multiplier."""
    shares = _outcome_shares(study)
    put, _, call, _ = shares[SD_MULTIPLIERS.index(DEFAULT_SD_MULTIPLIER)]
    summary = (
        f"Tested sessions, at exact multiples of the expected move. At multiplier 1.0 the settlement passed the "
        f"short put on {percent(put)} of the sessions and the short call on {percent(call)}."
    )
    bottom = 44 + ROW * len(SD_MULTIPLIERS)
    drawing = Drawing("outcomes", NARROW, bottom + 46, "Distribution of outcomes by multiplier", summary)
    panel = Panel(drawing, (36, 40, 336, bottom), (0.0, 1.0), (len(SD_MULTIPLIERS) - 0.5, -0.5))
    panel.x_axis(panel.x.ticks(4), percent_tick, "share of sessions")
    drawing.text(36, 16, "put breached", "label put-text")
    drawing.text(186, 16, "full profit", "label", "middle")
    drawing.text(336, 16, "call breached", "label call-text", "end")
    drawing.text(2, 34, "multiplier", "tick")
    for row, multiplier in enumerate(SD_MULTIPLIERS):
        _outcome_row(panel, row, multiplier, shares[row])
    return Figure(drawing, summary, table=_outcomes_table(shares))


def _outcome_shares(study: Study) -> Floats:
    """(multipliers, 4) shares of put breached, both, call breached, full profit."""
    tested = np.isin(study.condors.sessions, study.sessions)
    put, call = study.condors.put_breached[tested], study.condors.call_breached[tested]
    both = put * call
    kinds = (put - both, both, call - both, 1 - put - call + both)
    return np.column_stack([kind.mean(axis=0) for kind in kinds])


def _outcome_row(panel: Panel, row: int, multiplier: float, shares: Floats) -> None:
    """One stacked bar, with the market's falls on the left and its rises on the right."""
    put, both, call, won = shares
    y = panel.y.at(row) - ROW / 2 + 2
    starts = np.cumsum([0.0, put, both, won, call])
    for css, low, high in zip(("put", "both", "won", "call"), starts[:-1], starts[1:], strict=True):
        if high > low:
            x = panel.x([low, high])
            panel.drawing.add("rect", f"{css}-fill", x=x[0], y=y, width=x[1] - x[0], height=ROW - 4)
    panel.drawing.text(panel.left - 8, y + 15, f"{multiplier:.1f}", "tick", "end")
    panel.drawing.text(panel.x.at(put + both + won / 2), y + 15, percent(won), "tick on-won", "middle")


def _outcomes_table(shares: Floats) -> Table:
    columns = ("multiplier", "full profit", "put breached", "call breached", "both")
    rows = [
        (f"{multiplier:.1f}", percent(won), percent(put), percent(call), percent(both))
        for multiplier, (put, both, call, won) in zip(SD_MULTIPLIERS, shares, strict=True)
    ]
    return Table("Outcomes of the tested sessions", columns, rows)


def _equity(study: Study, name: str, width: float, always: Floats, followed: Floats, summary: str) -> Drawing:
    curves = {"other": np.cumsum(always), "model": np.cumsum(followed)}
    lows = {css: -loss_from_peak(curve, 0.0) for css, curve in curves.items()}
    drawing = Drawing(name, width, 470, "Modelled equity and drawdown", summary)
    across = (0.0, float(len(always) - 1))
    upper = Panel(drawing, (64, 70, width - 14, 270), across, _range(curves))
    lower = Panel(drawing, (64, 318, width - 14, 418), across, _range(lows))
    drawing.text(4, 16, "MODELLED money, $ of one condor, after costs", "label strong")
    drawing.legend(4, 36, (("model", "following the advice"), ("other", "always trading")))
    upper.y_axis(upper.y.ticks(5), _whole, "equity, modelled $")
    lower.y_axis(lower.y.ticks(3), _whole, "drawdown, modelled $")
    for panel, lines in ((upper, curves), (lower, lows)):
        for css, values in lines.items():
            panel.line(np.arange(len(values)), values, css)
    at, years = year_ticks(study.sessions, int(width / 44))
    for x, year in zip(lower.x(at), years, strict=True):
        drawing.add("line", "axis", x1=x, x2=x, y1=lower.bottom, y2=lower.bottom + 8)
        drawing.text(x + 3, lower.bottom + 20, str(year), "tick")
    return drawing


def _range(lines: Mapping[str, Floats]) -> tuple[float, float]:
    """From the lowest value to the highest, including 0, and never empty."""
    low = min(0.0, *(float(line.min()) for line in lines.values()))
    high = max(0.0, *(float(line.max()) for line in lines.values()))
    margin = 0.03 * (high - low) or 1.0
    return low - margin, high + margin


def _whole(amount: float) -> str:
    return f"{amount:,.0f}".replace("-", MINUS)
