"""`kronos`: backtest, train and evaluate from the command line.

Bad input is one line on stderr and exit code 2; nothing is written then.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kronos.artefact import identity
from kronos.condor import CondorSpec
from kronos.errors import KronosError, MarketDataError
from kronos.market import MarketHistory
from kronos.market_csv import bundled_sample, read_market_csv
from kronos.push import push
from kronos.sessions import as_date, exchange_sessions
from kronos.tables import backtest_table, evaluation_tables, training_table

BAD_INPUT = 2
DEFAULT_ARTEFACT = Path("ares_model.ares")

app = typer.Typer(
    help="KRONOS: market history to trades, features, a calibrated model and its evaluation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True, soft_wrap=True, highlight=False)
WIDTH_WITHOUT_TERMINAL = 120


class Entry(StrEnum):
    """When the condor is sold."""

    OPEN = "open"
    CLOSE = "close"


class VariantName(StrEnum):
    """Which features the model sees."""

    FULL = "full"
    MARKET = "market"
    MINIMAL = "minimal"


DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="CSV of daily bars; default: the bundled sample, 2014-2018.", show_default=False),
]
StartOption = Annotated[str | None, typer.Option("--start", metavar="DATE", help="First session, like 2014-01-03.")]
EndOption = Annotated[str | None, typer.Option("--end", metavar="DATE", help="Last session, like 2018-12-31.")]
EntryOption = Annotated[Entry, typer.Option("--entry", help="When the condor is sold.")]
DteOption = Annotated[
    int | None,
    typer.Option(
        "--dte",
        min=0,
        help="Sessions to settlement; default 0 at the open, 1 at the close.",
        show_default=False,
    ),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Processes to train with; default: all cores.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)


def all_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _Request:
    """What history a command is about."""

    history: MarketHistory
    spec: CondorSpec
    start: np.datetime64 | None
    end: np.datetime64 | None


@app.command("backtest")
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

    asked = _request(data, start, end, entry, dte)
    result = backtest(asked.history, asked.spec, start=asked.start, end=asked.end)
    if as_json:
        typer.echo(json.dumps(result.summary(), indent=2))
        return
    _console().print(backtest_table(result))


@app.command("train")
def train_command(
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    entry: EntryOption = Entry.OPEN,
    dte: DteOption = None,
    out: Annotated[Path, typer.Option("--out", help="Where to write the artefact.")] = DEFAULT_ARTEFACT,
    push_url: Annotated[
        str | None,
        typer.Option("--push", metavar="URL", help="Upload the bars and the model to this service."),
    ] = None,
    activate: Annotated[bool, typer.Option("--activate", help="With --push: make it the champion at once.")] = False,
    jobs: JobsOption = None,
) -> None:
    """Train the calibrated model on history, walk it forward, and write the artefact."""
    from kronos.training.export import train
    from kronos.training.rows import build_rows

    if activate and push_url is None:
        raise KronosError("--activate goes with --push URL")
    asked = _request(data, start, end, entry, dte)
    rows, stale = build_rows(asked.history, asked.spec, asked.start, asked.end)
    _say_left_out(stale)
    with _progress("training") as progress:
        trained = train(rows, asked.spec, jobs=jobs or all_cores(), progress=progress)
    content = trained.artefact.to_bytes()
    try:
        out.write_bytes(content)
    except OSError as error:
        raise KronosError(f"{out}: {error.strerror}") from error
    console = _console()
    console.print(training_table(rows, trained.scores))
    console.print(f"wrote {out} ({len(content):,} bytes, SHA-256 {identity(content)[:12]}…)")
    if push_url is not None:
        console.print(push(push_url, content, asked.history, activate=activate))


@app.command("evaluate")
def evaluate_command(
    data: DataOption = None,
    entry: EntryOption = Entry.OPEN,
    dte: DteOption = None,
    test_start: Annotated[
        str | None, typer.Option("--test-start", metavar="DATE", help="Score sessions from here on.")
    ] = None,
    variant: Annotated[
        VariantName, typer.Option("--variant", help="Which features the model sees.")
    ] = VariantName.FULL,
    predictions: Annotated[
        Path | None, typer.Option("--predictions", help="Write one CSV row a tested session and multiplier.")
    ] = None,
    as_json: JsonOption = False,
    jobs: JobsOption = None,
) -> None:
    """Score the model out of sample beside climatology, a logistic regression and the guide's recipe."""
    from kronos.training.evaluate import evaluate
    from kronos.training.rows import build_rows

    asked = _request(data, None, None, entry, dte)
    rows, stale = build_rows(asked.history, asked.spec)
    _say_left_out(stale)
    with _progress("walking forward") as progress:
        evaluation = evaluate(
            rows,
            asked.spec,
            variant.value,
            test_start=_day("--test-start", test_start),
            jobs=jobs or all_cores(),
            progress=progress,
        )
    if predictions is not None:
        evaluation.write_predictions(predictions)
    if as_json:
        typer.echo(json.dumps(evaluation.as_dict(), indent=2))
        return
    for table in evaluation_tables(evaluation):
        _console().print(table)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a `KronosError` is one line and exit code 2."""
    try:
        app(arguments, standalone_mode=True)
    except KronosError as error:
        errors.print(f"kronos: {error}", markup=False)
        sys.exit(BAD_INPUT)


def _request(data: Path | None, start: str | None, end: str | None, entry: Entry, dte: int | None) -> _Request:
    kind: Literal["open", "close"] = "open" if entry is Entry.OPEN else "close"
    default_dte = 0 if kind == "open" else 1
    try:
        spec = CondorSpec(entry=kind, dte_sessions=default_dte if dte is None else dte)
    except ValueError as error:
        raise KronosError(str(error)) from error
    history = bundled_sample() if data is None else read_market_csv(data)
    first, last = _day("--start", start), _day("--end", end)
    _require_covered(history, first, last)
    return _Request(history, spec, first, last)


def _day(option: str, text: str | None) -> np.datetime64 | None:
    if text is None:
        return None
    try:
        return np.datetime64(date.fromisoformat(text), "D")
    except ValueError:
        raise KronosError(f"{option} {text!r} is not a date like 2018-12-31") from None


def _require_covered(history: MarketHistory, start: np.datetime64 | None, end: np.datetime64 | None) -> None:
    """Every session that was asked for must lie within the data."""
    first, last = history.sessions[0], history.sessions[-1]
    asked = exchange_sessions().between(
        as_date(first if start is None else start), as_date(last if end is None else end)
    )
    if not len(asked):
        raise MarketDataError(f"there is no session between {start or first} and {end or last}")
    if asked[0] < first or asked[-1] > last:
        raise MarketDataError(
            f"the data covers {first} to {last}, not {asked[0]} to {asked[-1]}: "
            "bring history with `kronos fetch`, or name a file with --data"
        )


def _say_left_out(stale: list[int]) -> None:
    if stale:
        years = ", ".join(map(str, stale))
        errors.print(f"left out, since SPX opens are stale: {years}")


@contextmanager
def _progress(what: str) -> Iterator[_Ticker]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bars:
        yield _Ticker(bars, what)


class _Ticker:
    """A progress callback: one bar for each series of folds."""

    def __init__(self, bars: Progress, what: str) -> None:
        self._bars = bars
        self._what = what
        self._task = bars.add_task(what, total=None)

    def __call__(self, done: int, of: int) -> None:
        """Show that `done` of `of` folds are walked."""
        if done == 1:
            self._bars.reset(self._task, total=of)
        self._bars.update(self._task, completed=done)


if __name__ == "__main__":
    main()
