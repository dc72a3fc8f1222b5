"""`kronos backtest`."""

from __future__ import annotations

import json

import typer

from kronos.commands.options import (
    DataOption,
    DteOption,
    EndOption,
    Entry,
    EntryOption,
    JsonOption,
    StartOption,
    asked_for,
    console,
)


def backtest_command(
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    entry: EntryOption = Entry.OPEN,
    dte: DteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sell the condor on every session of history and show how it ended."""
    from kronos.backtest import backtest
    from kronos.tables import backtest_table

    asked = asked_for(data, start, end, entry, dte)
    result = backtest(asked.history, asked.spec, start=asked.start, end=asked.end)
    if as_json:
        typer.echo(json.dumps(result.summary(), indent=2))
        return
    console().print(backtest_table(result))
