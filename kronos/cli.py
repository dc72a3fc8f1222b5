"""`kronos`: the command line. Bad input prints one line on stderr, exits with code 2 and writes nothing."""

from __future__ import annotations

import sys

import typer

from kronos.commands.backtest import backtest_command
from kronos.commands.evaluate import evaluate_command
from kronos.commands.fetch import fetch_command
from kronos.commands.options import errors
from kronos.commands.report import report_command
from kronos.commands.sweep import sweep_command
from kronos.commands.train import train_command
from kronos.errors import KronosError

BAD_INPUT = 2

app = typer.Typer(
    help="KRONOS: from market history to trades, features, a calibrated model and its evaluation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("backtest")(backtest_command)
app.command("sweep")(sweep_command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)
app.command("report")(report_command)
app.command("fetch")(fetch_command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command. A `KronosError` prints one line and exits with code 2."""
    try:
        app(arguments)
    except KronosError as error:
        errors.print(f"kronos: {error}", markup=False)
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
