"""Options that several commands share, and the history that they name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kronos.condor.entry import PriceTally
from kronos.condor.spec import CondorSpec, Entry, shortest_dte
from kronos.errors import KronosError, MarketDataError
from kronos.features.registry import VariantName
from kronos.market.csv_file import bundled_sample, read_market_csv
from kronos.market.history import MarketHistory
from kronos.market.sessions import as_date, exchange_sessions

WIDTH_WITHOUT_TERMINAL = 140

DEFAULT_SPEC = CondorSpec()
errors = Console(stderr=True, soft_wrap=True, highlight=False)


DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="CSV file of daily bars; default: the bundled sample, 2014-2018.", show_default=False),
]
StartOption = Annotated[str | None, typer.Option("--start", metavar="DATE", help="First session, such as 2014-01-03.")]
EndOption = Annotated[str | None, typer.Option("--end", metavar="DATE", help="Last session, such as 2018-12-31.")]
EntryOption = Annotated[Entry, typer.Option("--entry", help="When the condor is sold.")]
DteOption = Annotated[
    int | None,
    typer.Option(
        "--dte",
        min=0,
        help="Sessions from entry to settlement; default: 0 at the open, 1 at the close.",
        show_default=False,
    ),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Number of processes; default: one per core.", show_default=False)
]
VariantOption = Annotated[VariantName, typer.Option("--variant", help="Which set of features the model sees.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


@dataclass(frozen=True, slots=True)
class MarketInputs:
    """The history, the trade and the dates that a command is asked about."""

    history: MarketHistory
    spec: CondorSpec
    start: np.datetime64 | None
    end: np.datetime64 | None


def read_inputs(data: Path | None, start: str | None, end: str | None, entry: Entry, dte: int | None) -> MarketInputs:
    """Read the history and check that it covers what was asked for.

    Raises
    ------
    KronosError
    """
    try:
        spec = CondorSpec(entry=entry, dte_sessions=shortest_dte(entry) if dte is None else dte)
    except ValueError as error:
        raise KronosError(str(error)) from error
    history = bundled_sample() if data is None else read_market_csv(data)
    first, last = parse_day("--start", start), parse_day("--end", end)
    _require_covered(history, first, last)
    return MarketInputs(history, spec, first, last)


def parse_day(option: str, text: str | None) -> np.datetime64 | None:
    """A date option's value.

    Raises
    ------
    KronosError
    """
    if text is None:
        return None
    try:
        return np.datetime64(date.fromisoformat(text), "D")
    except ValueError:
        raise KronosError(f"{option} {text!r} is not a date like 2018-12-31") from None


def console() -> Console:
    """Standard output, wide enough for the tables when it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)


def all_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def say_prices(prices: PriceTally) -> None:
    """Say how many sessions took their price at entry from where, and how many were left out."""
    console().print(f"price at entry: {prices}", markup=False, soft_wrap=True)


class Ticker:
    """A progress callback that draws one bar per series of steps."""

    def __init__(self, bars: Progress, what: str) -> None:
        self._bars = bars
        self._task = bars.add_task(what, total=None)

    def __call__(self, done: int, of: int) -> None:
        """Show that `done` of `of` steps are complete."""
        if done == 1:
            self._bars.reset(self._task, total=of)
        self._bars.update(self._task, completed=done)

    def phase(self, name: str) -> Ticker:
        """Name the phase that the next steps belong to."""
        self._bars.update(self._task, description=name)
        return self


@contextmanager
def progress(what: str) -> Iterator[Ticker]:
    """A progress bar on stderr while the block runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bars:
        yield Ticker(bars, what)


def _require_covered(history: MarketHistory, start: np.datetime64 | None, end: np.datetime64 | None) -> None:
    """Require that the data covers every session asked for."""
    first, last = history.sessions[0], history.sessions[-1]
    asked = exchange_sessions().between(
        as_date(first if start is None else start), as_date(last if end is None else end)
    )
    if not len(asked):
        raise MarketDataError(f"there is no session between {start or first} and {end or last}")
    if asked[0] < first or asked[-1] > last:
        raise MarketDataError(
            f"the data covers {first} to {last}, not {asked[0]} to {asked[-1]}: "
            "fetch more history with `kronos fetch`, or name another file with --data"
        )
