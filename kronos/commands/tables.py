"""The tables that the commands print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from kronos.statistics.scores import SCORES

if TYPE_CHECKING:
    from kronos.backtest import Backtest
    from kronos.condor.worlds import World
    from kronos.statistics.scores import Scores
    from kronos.training.evaluate import Evaluation
    from kronos.training.fair_value_scores import FairValueScores
    from kronos.training.money_study import MoneyStudy
    from kronos.training.quoted_policy import QuotedPolicyScores
    from kronos.training.rows import TrainingRows

EARLY = ("touch", "stop", "target", "time")
SWEEP_COLUMNS = (
    ("sold", "condors", "d"),
    ("left out", "sessions_left_out", "d"),
    ("full profit", "max_profit", ".1%"),
    ("credit", "mean_credit_dollars", ".2f"),
    ("net P&L", "mean_net_pnl_dollars", "+.2f"),
    ("drawdown %", "max_drawdown_pct", ".1f"),
    ("Sharpe", "sharpe", "+.2f"),
    ("money", "money", ""),
)


def backtest_tables(result: Backtest) -> Iterator[Table]:
    """How the condors ended, then what the accounts made of them, by multiplier."""
    money = result.trades.money
    kind = money.split(",")[0]
    span = f"{len(result.sessions)} condors, {result.sessions[0]} to {result.sessions[-1]}"
    figures = list(result.figures())
    yield _figures_table(
        f"{span}; money: {money}, $ per contract after slippage and commission",
        {
            "full profit": ("max_profit", ".1%"),
            "put": ("put_breached", ".1%"),
            "call": ("call_breached", ".1%"),
            "both": ("double_breach", ".1%"),
            f"credit ({kind})": ("mean_credit_dollars", ".2f"),
            f"net P&L ({kind})": ("mean_net_pnl_dollars", "+.2f"),
            "sold": ("condors", "d"),
            "skipped": ("skipped", "d"),
            **{reason: (f"ended_{reason}", "d") for reason in EARLY if any(one[f"ended_{reason}"] for one in figures)},
        },
        [record | {"skipped": len(result.sessions) - record["condors"]} for record in figures],
    )
    yield _figures_table(
        f"accounts of ${result.limits.equity_dollars:,.0f} at {result.limits.risk_pct:g} % risk; money: {money}; "
        f"ratios over all {len(result.account.days)} sessions",
        {
            "traded": ("traded", "d"),
            "not affordable": ("skipped_not_affordable", "d"),
            "limit reached": ("skipped_limit_reached", "d"),
            "first on": ("first_not_affordable_on", ""),
            "for good from": ("stopped_on", ""),
            f"total P&L ({kind})": ("total_pnl_dollars", "+,.0f"),
            f"equity ({kind})": ("final_equity_dollars", ",.0f"),
            "max drawdown %": ("max_drawdown_pct", ".1f"),
            "Sharpe": ("sharpe", "+.2f"),
            "Sortino": ("sortino", "+.2f"),
        },
        figures,
    )


def quoted_policy_table(scores: Sequence[QuotedPolicyScores], money: str) -> Table:
    """What was quoted, said and paid, and what came of it by every way of trading."""
    columns = ("SD multiplier", "sessions", "credit", "fair", "paid", "expected", "came", "implausible")
    ways = ("always", "policy", "with quotes")
    table = _empty_table(
        f"the policy on quotes; money: {money}; index points a condor, then sessions traded and $ a condor after costs",
        (*columns, *ways),
    )
    for one in scores:
        ways_of_it = (one.always, one.without_quotes, one.with_quotes)
        points = (one.mean_credit_points, one.mean_fair_credit_points, one.mean_payout_points)
        after_fees = (one.mean_expected_pnl_points, one.mean_pnl_points)
        table.add_row(
            str(one.sd_multiplier),
            str(one.sessions),
            *(f"{value:.3f}" for value in points),
            *(f"{value:+.3f}" for value in after_fees),
            str(one.implausible),
            *(f"{way.traded}: {_dollars(way.mean_net_pnl_dollars)}" for way in ways_of_it),
        )
    return table


def sweep_table(rows: Sequence[Mapping[str, Any]], varied: Sequence[str]) -> Table:
    """One row per spec and multiplier: the values that were varied, and the result."""
    table = Table(title=f"{len(rows)} backtests; money in $ per contract", title_justify="left")
    for name in varied:
        table.add_column(name.split("_")[0], justify="right")
    for label, _, _ in SWEEP_COLUMNS:
        table.add_column(label, justify="right")
    for row in rows:
        figures = (_cell(row[name], form) for _, name, form in SWEEP_COLUMNS)
        table.add_row(*(str(row[name]) for name in varied), *figures)
    return table


def _figures_table(title: str, columns: Mapping[str, tuple[str, str]], records: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("SD multiplier", *columns):
        table.add_column(name, justify="right")
    for record in records:
        table.add_row(str(record["sd_multiplier"]), *(_cell(record[name], form) for name, form in columns.values()))
    return table


def _cell(value: float | str | None, form: str) -> str:
    return "" if value is None else format(value, form)


def training_table(rows: TrainingRows, scores: Mapping[str, Scores]) -> Table:
    """Out-of-sample scores of each variant at multiplier 1.0."""
    title = f"trained on {len(rows)} sessions, {rows.sessions[0]} to {rows.sessions[-1]}; out of sample at 1.0"
    return _scores_table(title, "variant", dict(scores))


def evaluation_tables(evaluation: Evaluation) -> Iterator[Table]:
    """The model beside its references, then the model by multiplier, by year and by VIX, and what is scored apart."""
    where = f"{evaluation.sessions} sessions, {evaluation.first} to {evaluation.last}"
    title = f"{evaluation.variant}, out of sample at 1.0: {where}, {evaluation.base_rate:.1%} won"
    yield _scores_table(title, "", evaluation.references)
    yield _scores_table("model by multiplier", "SD multiplier", evaluation.by_multiplier)
    yield _scores_table("model by year", "year", evaluation.by_year)
    yield _scores_table("model by VIX at entry", "VIX", evaluation.by_vix_regime)
    if evaluation.scored_apart is not None:
        yield _scores_table("scored apart: SPY closed after SPX", "", {"model": evaluation.scored_apart})
    if evaluation.fair_value is not None:
        yield from fair_value_tables(evaluation.fair_value)
    if evaluation.money is not None:
        yield from money_tables(evaluation.money)


def fair_value_tables(scores: FairValueScores) -> Iterator[Table]:
    """What the curves said that condors pay, against what they paid: by multiplier, then by decile at 1.0."""
    wings = f"wings {scores.wing_points:g} points wide"
    table = _empty_table(
        f"fair credit, index points, {wings}",
        ("SD multiplier", "said", "paid", "said - paid, 95 %", "over recent payout", "t", "over recent rates", "t"),
    )
    for name, one in scores.by_multiplier.items():
        table.add_row(
            name,
            f"{one.said:.3f}",
            f"{one.paid:.3f}",
            "{:+.3f} {:+.3f}".format(*one.bias_interval),
            f"{one.skill_recent_payout:+.3f}",
            f"{one.skill_recent_payout_t:+.1f}",
            f"{one.skill_recent_rates:+.3f}",
            f"{one.skill_recent_rates_t:+.1f}",
        )
    yield table
    table = _empty_table(f"fair credit at 1.0 by decile, index points, {wings}", ("sessions", "said", "paid", "95 %"))
    for tenth in scores.deciles:
        span = "{:.3f} {:.3f}".format(*tenth.paid_interval)
        table.add_row(str(tenth.sessions), f"{tenth.said:.3f}", f"{tenth.paid:.3f}", span)
    yield table


def _empty_table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def money_tables(money: MoneyStudy) -> Iterator[Table]:
    """In every world of price: what the policy's choice earned, the accounts, and the edge before costs by year."""
    costs = "$ of one condor after costs"
    table = _empty_table(f"the policy's choice, {costs}", ("money", "traded", "skipped", "difference", "95 %"))
    for choice in money.choices:
        means = (choice.mean_traded, choice.mean_skipped, choice.difference)
        table.add_row(choice.world.money, *map(_dollars, means), _span(choice.difference_interval, "+.1f"))
    yield table
    for world in money.worlds:
        yield _accounts_table(money, world)
    columns = ("year", *(world.money for world in money.worlds))
    table = _empty_table("edge before costs at 1.0, $ of one condor, ± half a 95 % interval", columns)
    for year, edges in (*money.edges_by_year.items(), ("all", money.edges)):
        table.add_row(year, *(f"{mean:+.1f} ± {error:.1f}" for mean, error in edges.values()))
    yield table


def _accounts_table(money: MoneyStudy, world: World) -> Table:
    table = _empty_table(
        f"accounts at {money.risk_pct:g} % risk; money: {world.money}, after costs",
        ("", "traded", "$ a condor", "95 %", "growth %", "95 %", "drawdown %", "Sharpe", "95 %", "shortfall %"),
    )
    for one in money.accounts:
        if one.world is world:
            table.add_row(
                one.rule,
                f"{one.traded_share:.0%}",
                _dollars(one.pnl_dollars),
                _span(one.pnl_interval, "+.1f"),
                f"{one.growth_pct:+.1f}",
                _span(one.growth_interval, "+.1f"),
                f"{one.max_drawdown_pct:.0f}",
                "-" if one.sharpe is None else f"{one.sharpe:+.2f}",
                _span(one.sharpe_interval, "+.2f"),
                f"{one.shortfall_pct:+.2f}",
            )
    return table


def _span(interval: tuple[float, float] | None, form: str) -> str:
    return "-" if interval is None else " ".join(format(end, form) for end in interval)


def _dollars(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def _scores_table(title: str, first: str, scores: Mapping[str, Scores]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first, no_wrap=True)
    shown = [score for score in SCORES if score.label is not None]
    for name in ("sessions", *(score.label or "" for score in shown)):
        table.add_column(name, justify="right", no_wrap=True)
    for name, of in scores.items():
        table.add_row(name, str(of.sessions), *(score.shown(of.values[score.name]) for score in shown))
    return table
