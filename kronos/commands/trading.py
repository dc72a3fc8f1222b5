"""Options on how condors are traded, shared by `backtest` and `sweep`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronos.condor.spec import SD_MULTIPLIERS, CondorSpec, SoldAt
from kronos.errors import KronosError

if TYPE_CHECKING:
    from kronos.backtest.quotes import EntryQuotes


ChainsOption = Annotated[
    Path | None,
    typer.Option(
        "--chains", help="Sell at the quotes in this option chain (a file or a folder); default: modelled credit."
    ),
]
PriceOption = Annotated[
    SoldAt, typer.Option("--price", help="With --chains: sell at the natural price, or at mid less slippage.")
]
MultipliersOption = Annotated[
    str | None,
    typer.Option("--multipliers", help="SD multipliers, such as 0.8,1.0; default: 0.6 to 1.6.", show_default=False),
]


def multipliers_of(text: str | None) -> tuple[float, ...]:
    """The multipliers asked for, in ascending order.

    Raises
    ------
    KronosError
    """
    if text is None:
        return SD_MULTIPLIERS
    values = numbers("--multipliers", text)
    if any(value <= 0 for value in values):
        raise KronosError(f"--multipliers {text!r}: multipliers must be above 0")
    return tuple(sorted(set(values)))


def numbers(option: str, text: str) -> list[float]:
    """The finite numbers of a list like 5,10.

    Raises
    ------
    KronosError
    """
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise KronosError(f"{option} {text!r} is not a list of numbers like 5,10") from None
    if not all(map(math.isfinite, values)):
        raise KronosError(f"{option} {text!r} is not a list of numbers like 5,10")
    return values


def read_quotes(chains: Path | None, spec: CondorSpec, price: SoldAt) -> EntryQuotes | None:
    """The quotes to sell at, or None where no chain was named.

    Raises
    ------
    KronosError
    """
    if chains is None:
        return None
    from kronos.backtest.chain_files import read_chains

    return read_chains(chains).at_entry(spec.entry, price)
