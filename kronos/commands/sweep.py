"""`kronos sweep`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from kronos.commands.options import (
    DEFAULT_SPEC,
    DataOption,
    EndOption,
    JobsOption,
    JsonOption,
    StartOption,
    all_cores,
    console,
    progress,
    read_inputs,
)
from kronos.commands.trading import (
    ChainsOption,
    MultipliersOption,
    PriceOption,
    multipliers_of,
    numbers,
)
from kronos.condor.spec import DEFAULT_SOLD_AT, Entry, Management
from kronos.errors import KronosError


def _list_of(flag: str, what: str) -> Any:
    return typer.Option(flag, metavar="A,B,…", help=f"{what}; separate several with commas.", show_default=False)


def sweep_command(
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    entry: Annotated[str | None, _list_of("--entry", "open or close")] = None,
    dte: Annotated[str | None, _list_of("--dte", "Sessions from entry to settlement")] = None,
    management: Annotated[str | None, _list_of("--management", "hold or touch")] = None,
    wing: Annotated[str | None, _list_of("--wing", "Points between a short strike and its long strike")] = None,
    step: Annotated[str | None, _list_of("--step", "Points between listed strikes")] = None,
    slippage: Annotated[str | None, _list_of("--slippage", "Points lost on each spread")] = None,
    commission: Annotated[str | None, _list_of("--commission", "Dollars per leg and contract")] = None,
    min_credit: Annotated[str | None, _list_of("--min-credit", "Smallest credit after slippage, in points")] = None,
    risk_pct: Annotated[
        str | None, _list_of("--risk-pct", "Largest share of the equity that one trade may lose, in %")
    ] = None,
    max_contracts: Annotated[str | None, _list_of("--max-contracts", "Most contracts per trade")] = None,
    equity: Annotated[str | None, _list_of("--equity", "Starting equity in dollars")] = None,
    multipliers: MultipliersOption = None,
    chains: ChainsOption = None,
    price: PriceOption = DEFAULT_SOLD_AT,
    dask: Annotated[
        str | None, typer.Option("--dask", metavar="tcp://…", help="Run on this Dask cluster instead of local cores.")
    ] = None,
    jobs: JobsOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the table to a .csv or .parquet file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Backtest every combination of the given values: one row per combination, world of price and multiplier."""
    from kronos.backtest import sweep as sweeping
    from kronos.commands.tables import sweep_table

    asked_lists = {
        "entry": _words("--entry", entry, list(get_args(Entry))),
        "dte_sessions": _counts("--dte", dte),
        "management": _words("--management", management, list(get_args(Management))),
        "wing_width_points": _numbers("--wing", wing),
        "strike_step_points": _numbers("--step", step),
        "slippage_points": _numbers("--slippage", slippage),
        "commission_dollars": _numbers("--commission", commission),
        "minimum_credit_points": _numbers("--min-credit", min_credit),
        "risk_pct": _numbers("--risk-pct", risk_pct),
        "max_contracts": _counts("--max-contracts", max_contracts),
        "equity_dollars": _numbers("--equity", equity),
    }
    values = {name: given for name, given in asked_lists.items() if given is not None}
    points = sweeping.grid(values)
    if out is not None:
        sweeping.require_table_name(out)
    asked = read_inputs(data, start, end, DEFAULT_SPEC.entry, None)
    market = sweeping.SweepMarket(
        asked.history,
        asked.start,
        asked.end,
        multipliers_of(multipliers),
        _chains(chains),
        price,
    )
    with progress("sweeping") as ticker:
        rows = sweeping.sweep(market, points, jobs=jobs or all_cores(), dask_address=dask, progress=ticker)
    if out is not None:
        sweeping.write_rows(rows, out)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif out is None:
        varied = [name for name, given in values.items() if len(given) > 1]
        console().print(sweep_table(rows, [*varied, "sd_multiplier"]))
    else:
        console().print(f"wrote {out} ({len(rows)} rows)")


def _words(option: str, text: str | None, known: list[str]) -> list[str] | None:
    if text is None:
        return None
    words = text.split(",")
    for word in words:
        if word not in known:
            raise KronosError(f"{option} {word!r} is not one of {', '.join(known)}")
    return words


def _numbers(option: str, text: str | None) -> list[float] | None:
    return None if text is None else numbers(option, text)


def _counts(option: str, text: str | None) -> list[int] | None:
    if text is None:
        return None
    values = numbers(option, text)
    if any(value != int(value) or value < 0 for value in values):
        raise KronosError(f"{option} {text!r} is not a list of whole numbers like 0,1,5")
    return [int(value) for value in values]


def _chains(path: Path | None) -> Any:
    if path is None:
        return None
    from kronos.backtest.chain_files import read_chains

    return read_chains(path)
