"""`kronos report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kronos.commands.options import (
    DEFAULT_SPEC,
    DataOption,
    DteOption,
    EntryOption,
    JobsOption,
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

DEFAULT_REPORT = Path("report.html")


def report_command(
    out: Annotated[Path, typer.Option("--out", help="Where to write the page.")] = DEFAULT_REPORT,
    data: DataOption = None,
    entry: EntryOption = DEFAULT_SPEC.entry,
    dte: DteOption = None,
    test_start: Annotated[
        str | None, typer.Option("--test-start", metavar="DATE", help="First session to score.")
    ] = None,
    variant: VariantOption = HEADLINE,
    jobs: JobsOption = None,
) -> None:
    """Write a self-contained HTML page on how the model does out of sample."""
    from kronos.report.page import render
    from kronos.report.study import make_study

    asked = read_inputs(data, None, None, entry, dte)
    since = parse_day("--test-start", test_start)
    with progress("walking forward, then looking closer") as ticker:
        study = make_study(
            asked.history,
            asked.spec,
            variant_named(variant),
            test_start=since,
            jobs=jobs or all_cores(),
            progress=ticker,
        )
    page = render(study)
    try:
        out.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise KronosError(f"{out}: {error.strerror}") from error
    console().print(f"wrote {out} ({len(page.encode()):,} bytes, {study.evaluation.sessions} tested sessions)")
    say_prices(study.prices)
