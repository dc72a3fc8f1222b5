"""What the commands print: tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.table import Table

from kronos.condor import SD_MULTIPLIERS

if TYPE_CHECKING:
    from kronos.backtest import Backtest
    from kronos.features import Variant
    from kronos.training.evaluate import Evaluation
    from kronos.training.policy_scores import PolicyScores
    from kronos.training.rows import TrainingRows
    from kronos.training.scores import Scores

SCORE_COLUMNS = ("sessions", "Brier", "skill", "95 %", "log loss", "AUC", "ECE", "band")


def backtest_table(result: Backtest) -> Table:
    """Win rate and modelled money by multiplier."""
    table = Table(
        title=f"{len(result.sessions)} condors, {result.sessions[0]} to {result.sessions[-1]}",
        caption="money is modelled: Black-Scholes at scaled VIX, after slippage and commission, $ a contract",
    )
    for name in (
        "SD multiplier",
        "full profit",
        "put breached",
        "call breached",
        "credit (modelled)",
        "net P&L (modelled)",
    ):
        table.add_column(name, justify="right")
    for at, multiplier in enumerate(SD_MULTIPLIERS):
        table.add_row(
            f"{multiplier:.1f}",
            f"{result.won[:, at].mean():.1%}",
            f"{result.put_breached[:, at].mean():.1%}",
            f"{result.call_breached[:, at].mean():.1%}",
            f"{result.credit_dollars[:, at].mean():.2f}",
            f"{result.net_pnl_dollars[:, at].mean():+.2f}",
        )
    return table


def training_table(rows: TrainingRows, scores: Mapping[Variant, Scores]) -> Table:
    """Out-of-sample scores of each variant at multiplier 1.0."""
    title = f"trained on {len(rows)} sessions, {rows.sessions[0]} to {rows.sessions[-1]}; out of sample at 1.0"
    return _scores_table(title, "variant", dict(scores))


def evaluation_tables(evaluation: Evaluation) -> Iterator[Table]:
    """The model beside its references, then by multiplier, year and VIX."""
    where = f"{evaluation.sessions} sessions, {evaluation.first} to {evaluation.last}"
    title = f"{evaluation.variant}, out of sample at 1.0: {where}, {evaluation.base_rate:.1%} won"
    yield _scores_table(title, "", evaluation.references)
    yield _scores_table("model by multiplier", "SD multiplier", evaluation.by_multiplier)
    yield _scores_table("model by year", "year", evaluation.by_year)
    yield _scores_table("model by VIX at entry", "VIX", evaluation.by_vix_regime)
    if evaluation.policy is not None:
        yield _policy_table(evaluation.policy)


def _policy_table(policy: PolicyScores) -> Table:
    table = Table(title="policy, $ a condor after costs, modelled", title_justify="left")
    for name in ("traded", "mean P&L traded", "mean P&L skipped", "difference", "95 %"):
        table.add_column(name, justify="right")
    low, high = policy.difference_interval or (None, None)
    money = (policy.mean_pnl_traded, policy.mean_pnl_skipped, policy.difference)
    table.add_row(f"{policy.traded_share:.1%}", *map(_dollars, money), f"{_dollars(low)} {_dollars(high)}")
    return table


def _dollars(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def _scores_table(title: str, first: str, scores: Mapping[str, Scores] | Mapping[Variant, Scores]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in SCORE_COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for name, score in scores.items():
        low, high = score.brier_skill_interval
        table.add_row(
            name,
            str(score.sessions),
            f"{score.brier:.4f}",
            f"{score.brier_skill:+.4f}",
            f"{low:+.3f} {high:+.3f}",
            f"{score.log_loss:.4f}",
            f"{score.auc:.3f}",
            f"{score.ece:.4f}",
            f"{score.ece_band:.4f}",
        )
    return table
