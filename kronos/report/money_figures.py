"""Figures on outcomes and modelled money; every drawing that shows dollars says that they are modelled."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kronos.condor.spec import DEFAULT_SD_MULTIPLIER, SD_MULTIPLIERS
from kronos.market.history import Floats
from kronos.report.elements import Figure, Table
from kronos.report.formats import MINUS, NONE, count, dollars, percent, percent_tick, plain
from kronos.report.money import PnlSummary, by_advice, drawdown, followed_pnl, summarise_pnl
from kronos.report.score_figures import NARROW, WIDE, year_ticks
from kronos.report.study import Study
from kronos.report.svg import Drawing, Panel

ROW = 26.0


def equity(study: Study) -> Figure:
    """Equity and drawdown of always trading and of following the advice."""
    always, followed = study.followed.net_pnl_dollars, followed_pnl(study.followed)
    ends = [dollars(float(pnl.sum())) for pnl in (always, followed)]
    summary = (
        f"Modelled money: $ of one condor per session at multiplier 1.0, after costs. "
        f"Always trading ends at {ends[0]}, following the advice at {ends[1]}."
    )
    wide, narrow = (
        _equity(study, name, width, always, followed, summary)
        for name, width in (("equity", WIDE), ("equity-narrow", NARROW))
    )
    return Figure(wide, summary, narrow=narrow)


def earnings(study: Study) -> Table:
    """Both ways of trading as a table."""
    ways = {
        "always trading": summarise_pnl(study.followed.net_pnl_dollars),
        "following the advice": summarise_pnl(followed_pnl(study.followed)),
    }
    columns = ("modelled money", "sessions", "mean per session", "total", "worst", "max drawdown", "Sharpe", "Sortino")
    rows = [
        (
            name,
            count(one.sessions),
            _with_error(one),
            dollars(one.total),
            dollars(one.worst),
            dollars(-one.max_drawdown),
            _ratio(one.sharpe),
            _ratio(one.sortino),
        )
        for name, one in ways.items()
    ]
    caption = "Modelled $ of one condor, over all sessions; ± half a 95 % interval, by session"
    return Table(caption, columns, rows)


def advice_table(study: Study) -> Table:
    """What one full condor earned, by advice."""
    followed = study.followed
    won = study.won[np.searchsorted(study.sessions, followed.sessions)]
    rows = [
        (
            advice,
            count(int(given.sum())),
            percent(given.mean()),
            percent(won[given].mean()),
            _with_error(summarise_pnl(followed.net_pnl_dollars[given])),
        )
        for advice, given in by_advice(followed)
    ]
    columns = ("advice", "sessions", "share", "won", "mean of one condor, modelled $")
    return Table("By advice; ± half a 95 % interval, by session", columns, rows)


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
    tested = np.isin(study.money.sessions, study.sessions)
    put, call = study.money.put_breached[tested], study.money.call_breached[tested]
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
    lows = {"other": -drawdown(always), "model": -drawdown(followed)}
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
    at, years = year_ticks(study.followed.sessions, int(width / 44))
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


def _with_error(one: PnlSummary) -> str:
    return f"{dollars(one.mean)} ± {one.mean_error:.2f}"


def _ratio(value: float | None) -> str:
    return NONE if value is None else plain(value, 2)
