"""Options on how condors are traded, shared by `backtest` and `sweep`."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronos.commands.options import all_cores, progress
from kronos.condor.shorts import By, Shorts
from kronos.condor.spec import SD_MULTIPLIERS, CondorSpec, SoldAt
from kronos.condor.worlds import World
from kronos.errors import KronosError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from kronos.backtest import Backtest, Exit, Prices
    from kronos.backtest.quotes import EntryQuotes
    from kronos.market.history import MarketHistory
    from kronos.training.quoted_policy import QuotedPolicyScores


ChainsOption = Annotated[
    Path | None,
    typer.Option(
        "--chains", help="Sell at the quotes in this option chain (a file or a folder); default: modelled credit."
    ),
]
PriceOption = Annotated[
    SoldAt, typer.Option("--price", help="With --chains: sell at the natural price, or at mid less slippage.")
]
WorldOption = Annotated[
    list[World] | None,
    typer.Option(
        "--world", help="Model credits in this world of price; may be repeated; default: in all.", show_default=False
    ),
]
PlacedOption = Annotated[
    str | None,
    typer.Option(
        "--multipliers",
        help="SD multipliers, such as 0.8,1.0; unequal sides as put/call, such as 1.2/0.9; default: 0.6 to 1.6.",
        show_default=False,
    ),
]
DeltasOption = Annotated[
    str | None,
    typer.Option("--deltas", help="Short strikes by delta, such as 0.10,0.08/0.16; by the modelled surface."),
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


def modelled_prices(
    history: MarketHistory,
    spec: CondorSpec,
    shorts: Sequence[Shorts],
    worlds: Sequence[World] | None,
    leaving: Exit,
    span: tuple[np.datetime64 | None, np.datetime64 | None],
) -> tuple[list[Prices], dict[str, str]]:
    """The worlds asked for, and why the efficient one is missing where it is.

    Raises
    ------
    KronosError
        If no world is left.
    """
    from kronos.errors import MarketDataError, TrainingRefusedError
    from kronos.training.worlds import BY_VOLATILITY, walked_prices

    asked = [world for world in World if not worlds or world in worlds]
    found = [BY_VOLATILITY[world] for world in asked if world in BY_VOLATILITY]
    left_out: dict[str, str] = {}
    if World.EFFICIENT in asked and (leaving or spec.management != "hold"):
        left_out[World.EFFICIENT.value] = "no curve prices a condor that is not held to settlement"
    elif World.EFFICIENT in asked:
        try:
            with progress("walking forward, for the efficient world") as ticker:
                start, end = span
                fair = walked_prices(
                    history, spec, sd_multipliers=shorts, start=start, end=end, jobs=all_cores(), progress=ticker
                )
        except (MarketDataError, TrainingRefusedError) as error:
            fair, left_out[World.EFFICIENT.value] = None, str(error)
        found += [] if fair is None else [fair]
    if not found:
        raise KronosError("; ".join(left_out.values()))
    return found, left_out


def policy_on_quotes(history: MarketHistory, result: Backtest) -> tuple[list[QuotedPolicyScores], str]:
    """The policy scored on the condors that were sold at quotes, or why it cannot be."""
    from kronos.errors import MarketDataError, TrainingRefusedError
    from kronos.training.quoted_policy import score_on_quotes

    if result.leaving or result.spec.management != "hold":
        return [], "no curve prices a condor that is not held to settlement"
    try:
        with progress("walking forward, for the policy") as ticker:
            found = score_on_quotes(
                history, result.spec, result.trades, costs=result.costs, jobs=all_cores(), progress=ticker
            )
    except (MarketDataError, TrainingRefusedError) as error:
        return [], str(error)
    return found, "" if found else "no session with a quote has a prediction from before it"


def shorts_of(multipliers: str | None, deltas: str | None) -> tuple[Shorts, ...]:
    """The short strikes asked for: by multiplier in ascending order, then by delta; the usual multipliers by default.

    Raises
    ------
    KronosError
    """
    if multipliers is None and deltas is None:
        return tuple(map(Shorts.even, SD_MULTIPLIERS))
    asked: tuple[tuple[str, str | None, By], ...] = (
        ("--multipliers", multipliers, "multiplier"),
        ("--deltas", deltas, "delta"),
    )
    return tuple(one for option, text, by in asked if text is not None for one in _placed(option, text, by))


def _placed(option: str, text: str, by: By) -> list[Shorts]:
    found = set()
    for part in text.split(","):
        sides = numbers(option, part.replace("/", ","))
        if len(sides) > 2:
            raise KronosError(f"{option} {part!r}: a condor has two sides, put/call")
        try:
            found.add(Shorts(sides[0], sides[-1], by))
        except ValueError as error:
            raise KronosError(f"{option} {part!r}: {error}") from error
    return sorted(found, key=lambda one: (one.put, one.call))


def minute_of(text: str) -> int:
    """Minutes after midnight of a time of day.

    Raises
    ------
    KronosError
    """
    try:
        at = datetime.strptime(text, "%H:%M")  # noqa: DTZ007  of New York, on any day
    except ValueError:
        raise KronosError(f"--exit-at {text!r} is not a time like 15:30") from None
    return 60 * at.hour + at.minute


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
