"""`kronos train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kronos.commands.options import (
    DEFAULT_SPEC,
    DataOption,
    DteOption,
    EndOption,
    EntryOption,
    JobsOption,
    StartOption,
    all_cores,
    console,
    progress,
    read_inputs,
    say_prices,
)
from kronos.errors import KronosError
from kronos.model.artefact import identity

DEFAULT_ARTEFACT = Path("ares_model.ares")


def train_command(
    data: DataOption = None,
    start: StartOption = None,
    end: EndOption = None,
    entry: EntryOption = DEFAULT_SPEC.entry,
    dte: DteOption = None,
    out: Annotated[Path, typer.Option("--out", help="Where to write the artefact.")] = DEFAULT_ARTEFACT,
    push_url: Annotated[
        str | None, typer.Option("--push", metavar="URL", help="Upload the bars and the model to this service.")
    ] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="With --push: make the model the champion at once.")
    ] = False,
    jobs: JobsOption = None,
) -> None:
    """Train the calibrated model, score it walk-forward, and write the artefact."""
    from kronos.commands.push import push
    from kronos.commands.tables import training_table
    from kronos.training.export import train
    from kronos.training.rows import build_rows

    if activate and push_url is None:
        raise KronosError("--activate needs --push URL")
    asked = read_inputs(data, start, end, entry, dte)
    rows, prices = build_rows(asked.history, asked.spec, asked.start, asked.end)
    with progress("training") as ticker:
        trained = train(rows, asked.spec, asked.history, jobs=jobs or all_cores(), progress=ticker.phase)
    content = trained.artefact.to_bytes()
    try:
        out.write_bytes(content)
    except OSError as error:
        raise KronosError(f"{out}: {error.strerror}") from error
    say_prices(prices)
    console().print(training_table(rows, trained.scores))
    for name, reason in trained.left_out.items():
        console().print(f"left out {name}: {reason}", markup=False, soft_wrap=True)
    console().print(f"wrote {out} ({len(content):,} bytes, SHA-256 {identity(content)[:12]}…)")
    if push_url is not None:
        console().print(push(push_url, content, asked.history, activate=activate))
