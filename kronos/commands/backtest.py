"""`kronos backtest`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kronos.commands.options import (
    DEFAULT_SPEC,
    DataOption,
    DteOption,
    EndOption,
    EntryOption,
    JsonOption,
    StartOption,
    console,
    read_inputs,
    say_prices,
)
from kronos.commands.trading import (
    ChainsOption,
    DeltasOption,
    PlacedOption,
    PriceOption,
    WorldOption,
    minute_of,
    modelled_prices,
    policy_on_quotes,
    read_quotes,
    shorts_of,
)
from kronos.condor.costs import DEFAULT_COSTS, DEFAULT_LIMITS, AccountLimits, Costs
from kronos.condor.spec import DEFAULT_SOLD_AT, Management
from kronos.condor.worlds import World
from kronos.errors import KronosError

if TYPE_CHECKING:
    from kronos.backtest import Backtest
    from kronos.training.quoted_policy import QuotedPolicyScores


def backtest_command(
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    entry: EntryOption = DEFAULT_SPEC.entry,
    dte: DteOption = None,
    management: Annotated[
        Management,
        typer.Option("--management", help="Hold to settlement, or buy the condor back when a short strike is touched."),
    ] = DEFAULT_SPEC.management,
    multipliers: PlacedOption = None,
    deltas: DeltasOption = None,
    profit_target: Annotated[
        float | None,
        typer.Option("--profit-target", help="Buy back once this share of the credit is earned, such as 0.5."),
    ] = None,
    stop: Annotated[
        float | None,
        typer.Option("--stop", help="Buy back once that costs this multiple of the credit, such as 2."),
    ] = None,
    exit_at: Annotated[
        str | None,
        typer.Option("--exit-at", metavar="HH:MM", help="Buy back at this New York time on the day of settlement."),
    ] = None,
    wing: Annotated[
        float, typer.Option("--wing", help="Points between a short strike and its long strike.")
    ] = DEFAULT_SPEC.wing_width_points,
    step: Annotated[
        float, typer.Option("--step", help="Points between listed strikes.")
    ] = DEFAULT_SPEC.strike_step_points,
    slippage: Annotated[
        float, typer.Option("--slippage", help="Points lost on each spread, except at natural prices.")
    ] = DEFAULT_COSTS.slippage_points,
    commission: Annotated[
        float, typer.Option("--commission", help="Dollars per leg and contract; legs that expire cost nothing.")
    ] = DEFAULT_COSTS.commission_dollars,
    min_credit: Annotated[
        float,
        typer.Option(
            "--min-credit", help="Smallest credit after slippage, in points; a condor that pays less is not sold."
        ),
    ] = DEFAULT_COSTS.minimum_credit_points,
    risk_pct: Annotated[
        float, typer.Option("--risk-pct", help="Largest share of the equity that one trade may lose, in %.")
    ] = DEFAULT_LIMITS.risk_pct,
    max_contracts: Annotated[
        int | None,
        typer.Option(
            "--max-contracts", help="Most contracts per trade; 0 trades none; default: no limit.", show_default=False
        ),
    ] = DEFAULT_LIMITS.max_contracts,
    equity: Annotated[
        float, typer.Option("--equity", help="Starting equity in dollars.")
    ] = DEFAULT_LIMITS.equity_dollars,
    world: WorldOption = None,
    chains: ChainsOption = None,
    price: PriceOption = DEFAULT_SOLD_AT,
    trades: Annotated[
        Path | None, typer.Option("--trades", help="Write a CSV file with every session: what was traded, or why not.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Sell a condor on every session, at modelled or real prices, and show how it did."""
    from kronos.backtest import Exit, backtest
    from kronos.backtest.trade_file import write_trades

    asked = read_inputs(data, start, end, entry, dte)
    try:
        spec = replace(asked.spec, management=management, wing_width_points=wing, strike_step_points=step)
        costs = Costs(slippage, commission, min_credit)
        limits = AccountLimits(equity, risk_pct, max_contracts)
        leaving = Exit(profit_target, stop, None if exit_at is None else minute_of(exit_at))
        chosen = shorts_of(multipliers, deltas)
    except ValueError as error:
        raise KronosError(str(error)) from error
    if leaving and management != "hold":
        raise KronosError("--profit-target, --stop and --exit-at need --management hold")
    if chains is not None and world:
        raise KronosError("--world is for modelled credits: leave it out, or --chains")
    quotes, span = read_quotes(chains, spec, price), (asked.start, asked.end)
    offered, left_out = ([quotes], {}) if quotes else modelled_prices(asked.history, spec, chosen, world, leaving, span)
    results = [
        backtest(
            asked.history,
            spec,
            costs,
            limits,
            sd_multipliers=chosen,
            leaving=leaving,
            start=asked.start,
            end=asked.end,
            prices=prices,
        )
        for prices in offered
    ]
    told = Told(results, left_out, *(policy_on_quotes(asked.history, results[0]) if quotes else ([], "")))
    if trades is not None:
        try:
            write_trades(results, asked.history, trades)
        except OSError as error:
            raise KronosError(f"{trades}: {error.strerror}") from error
    if as_json:
        typer.echo(json.dumps(told.as_dict(), indent=2))
    else:
        told.show()


@dataclass(frozen=True)
class Told:
    """What the command tells: one backtest a world, which world is missing and why, and the policy on quotes."""

    results: Sequence[Backtest]
    left_out: Mapping[str, str]
    on_quotes: Sequence[QuotedPolicyScores]
    policy_left_out: str

    @property
    def quoted(self) -> bool:
        """Whether the condors were sold at quotes."""
        return bool(self.on_quotes or self.policy_left_out)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        worlds = {result.trades.source: result.summary() for result in self.results}
        summary: dict[str, Any] = {"worlds": worlds, "worlds_left_out": dict(self.left_out)}
        if self.quoted:
            policy = [one.as_dict() for one in self.on_quotes]
            summary |= {"policy": policy, "policy_left_out": self.policy_left_out or None}
        return summary

    def show(self) -> None:
        """Print the tables, then what each world assumes and what is missing."""
        from kronos.commands.tables import backtest_tables, quoted_policy_table

        for result in self.results:
            for table in backtest_tables(result):
                console().print(table)
        if self.on_quotes:
            console().print(quoted_policy_table(self.on_quotes, self.results[0].trades.money))
        if self.policy_left_out:
            console().print(f"the policy was not scored on these quotes: {self.policy_left_out}", soft_wrap=True)
        for source in (result.trades.source for result in self.results):
            if source in list(World):
                console().print(f"{World(source).money}: {World(source).meaning}.", soft_wrap=True)
        if len({len(result.sessions) for result in self.results}) > 1:
            console().print(
                "The worlds cover different sessions: the efficient one those that a model had predicted beforehand. "
                "Compare accounts only over the same ones, with --start.",
                soft_wrap=True,
            )
        for name, reason in self.left_out.items():
            console().print(f"left out: the {name} world, since {reason}", soft_wrap=True)
        say_prices(self.results[0].prices)
