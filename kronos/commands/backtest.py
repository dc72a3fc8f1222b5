"""`kronos backtest`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

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
    say_left_out,
)
from kronos.commands.trading import (
    DEFAULT_TERMS,
    ChainsOption,
    MultipliersOption,
    PriceOption,
    multipliers_of,
    read_quotes,
)
from kronos.condor.costs import Terms
from kronos.condor.spec import DEFAULT_SOLD_AT, Management
from kronos.errors import KronosError


def backtest_command(
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    entry: EntryOption = DEFAULT_SPEC.entry,
    dte: DteOption = None,
    management: Annotated[
        Management,
        typer.Option("--management", help="Hold to settlement, or buy back when a short strike is touched."),
    ] = DEFAULT_SPEC.management,
    multipliers: MultipliersOption = None,
    wing: Annotated[
        float, typer.Option("--wing", help="Points from short to long strike.")
    ] = DEFAULT_SPEC.wing_width_points,
    step: Annotated[
        float, typer.Option("--step", help="Listed strikes are multiples of this.")
    ] = DEFAULT_SPEC.strike_step_points,
    slippage: Annotated[
        float, typer.Option("--slippage", help="Points given up on each spread, unless sold at natural prices.")
    ] = DEFAULT_TERMS.slippage_points,
    commission: Annotated[
        float, typer.Option("--commission", help="Dollars a leg and contract; legs that expire pay none.")
    ] = DEFAULT_TERMS.commission_dollars,
    min_credit: Annotated[
        float, typer.Option("--min-credit", help="Points after slippage below which nothing is sold.")
    ] = DEFAULT_TERMS.minimum_credit_points,
    risk_pct: Annotated[
        float, typer.Option("--risk-pct", help="Share of the equity that one trade may lose.")
    ] = DEFAULT_TERMS.risk_pct,
    max_contracts: Annotated[
        int | None,
        typer.Option("--max-contracts", help="Contracts a trade; 0 is none; default: no cap.", show_default=False),
    ] = DEFAULT_TERMS.max_contracts,
    equity: Annotated[float, typer.Option("--equity", help="Dollars at the start.")] = DEFAULT_TERMS.equity_dollars,
    chains: ChainsOption = None,
    price: PriceOption = DEFAULT_SOLD_AT,
    trades: Annotated[Path | None, typer.Option("--trades", help="Write one CSV row a condor that was traded.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Sell the condor on every session of history, at modelled or at real prices, and show what it made."""
    from kronos.backtest import backtest
    from kronos.backtest.trade_file import write_trades
    from kronos.commands.tables import backtest_tables

    asked = read_inputs(data, start, end, entry, dte)
    try:
        spec = replace(asked.spec, management=management, wing_width_points=wing, strike_step_points=step)
        terms = Terms(slippage, commission, min_credit, risk_pct, max_contracts, equity)
    except ValueError as error:
        raise KronosError(str(error)) from error
    result = backtest(
        asked.history,
        spec,
        terms,
        sd_multipliers=multipliers_of(multipliers),
        start=asked.start,
        end=asked.end,
        quotes=read_quotes(chains, spec, price),
    )
    say_left_out(list(result.stale_years))
    if trades is not None:
        try:
            write_trades(result, asked.history, trades)
        except OSError as error:
            raise KronosError(f"{trades}: {error.strerror}") from error
    if as_json:
        typer.echo(json.dumps(result.summary(), indent=2))
        return
    for table in backtest_tables(result):
        console().print(table)
