"""`kronos evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from kronos.commands.options import (
    DEFAULT_SPEC,
    DataOption,
    DteOption,
    EntryOption,
    JobsOption,
    JsonOption,
    VariantOption,
    all_cores,
    console,
    parse_day,
    progress,
    read_inputs,
    say_prices,
)
from kronos.errors import KronosError
from kronos.features.registry import HEADLINE
from kronos.features.variants import variant_named


def evaluate_command(
    data: DataOption = None,
    entry: EntryOption = DEFAULT_SPEC.entry,
    dte: DteOption = None,
    test_start: Annotated[
        str | None, typer.Option("--test-start", metavar="DATE", help="First session to score.")
    ] = None,
    variant: VariantOption = HEADLINE,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", help="Write a CSV file with one row per tested session and multiplier."),
    ] = None,
    as_json: JsonOption = False,
    jobs: JobsOption = None,
) -> None:
    """Score the model out of sample, beside climatology, a logistic regression and the guide's recipe."""
    from kronos.commands.tables import evaluation_tables
    from kronos.training.evaluate import evaluate
    from kronos.training.rows import build_rows

    asked = read_inputs(data, None, None, entry, dte)
    since = parse_day("--test-start", test_start)
    rows, prices = build_rows(asked.history, asked.spec)
    with progress("walking forward") as ticker:
        evaluation = evaluate(
            rows,
            asked.spec,
            variant_named(variant),
            history=asked.history,
            test_start=since,
            prices=prices,
            jobs=jobs or all_cores(),
            progress=ticker,
        )
    if predictions is not None:
        try:
            evaluation.write_predictions(predictions)
        except OSError as error:
            raise KronosError(f"{predictions}: {error.strerror}") from error
    if as_json:
        typer.echo(json.dumps(evaluation.as_dict(), indent=2))
        return
    for table in evaluation_tables(evaluation):
        console().print(table)
    say_prices(prices)
