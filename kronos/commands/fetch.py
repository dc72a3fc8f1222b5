"""`kronos fetch`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kronos.commands.options import console, parse_day, progress
from kronos.errors import KronosError
from kronos.market.clock import system_clock
from kronos.market.sessions import Days, as_date

if TYPE_CHECKING:
    from kronos.market.fetch import FetchReport
    from kronos.market.sources.entries import Sources

DEFAULT_FILE = Path("spx_vix_daily.csv")
MOST_SHOWN = 5


def fetch_command(
    out: Annotated[Path, typer.Option("--out", help="CSV file to write; bars already in it are kept.")] = DEFAULT_FILE,
    start: Annotated[
        str | None,
        typer.Option(
            "--start", metavar="DATE", help="Fetch missing sessions from here on; default: where the file ends."
        ),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--end", metavar="DATE", help="Last session to fetch; default: the last one that has settled."),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch the bars already in the file again, and replace them.")
    ] = False,
    push_url: Annotated[
        str | None, typer.Option("--push", metavar="URL", help="Upload the file's bars to this service.")
    ] = None,
    vix_url: Annotated[
        str | None, typer.Option("--vix-url", metavar="URL", help="VIX bars, as CSV; default: Cboe's public file.")
    ] = None,
    spx_url: Annotated[
        str | None,
        typer.Option("--spx-url", metavar="URL", help="SPX bars, as chart JSON or CSV; default: Yahoo's ^GSPC."),
    ] = None,
    spy_url: Annotated[
        str | None, typer.Option("--spy-url", metavar="URL", help="SPY bars; default: Yahoo's SPY, dividend-adjusted.")
    ] = None,
    vix9d_url: Annotated[
        str | None, typer.Option("--vix9d-url", metavar="URL", help="VIX9D bars; default: Cboe's public file.")
    ] = None,
    vix3m_url: Annotated[
        str | None, typer.Option("--vix3m-url", metavar="URL", help="VIX3M bars; default: Cboe's public file.")
    ] = None,
    vix1d_url: Annotated[
        str | None, typer.Option("--vix1d-url", metavar="URL", help="VIX1D bars; default: Cboe's public file.")
    ] = None,
    spx_csv: Annotated[
        Path | None, typer.Option("--spx-csv", metavar="FILE", help="Your own SPX bars: date,open,high,low,close.")
    ] = None,
) -> None:
    """Fetch bars of SPX, VIX, SPY, VIX9D, VIX3M and VIX1D into a CSV file. Missing sessions are never interpolated."""
    from kronos.commands.push import push_days
    from kronos.market.csv_file import existing_history, replace_market_csv
    from kronos.market.fetch import fetch_history

    urls = {
        "vix": vix_url,
        "spx": spx_url,
        "spy": spy_url,
        "vix9d": vix9d_url,
        "vix3m": vix3m_url,
        "vix1d": vix1d_url,
    }
    sources = _sources(urls, spx_csv)
    existing = existing_history(out)
    first, last = _date("--start", start), _date("--end", end)
    with progress("fetching") as ticker:
        report = fetch_history(sources, system_clock, existing, start=first, end=last, refresh=refresh, progress=ticker)
    if report.changed:
        replace_market_csv(report.history, out)
    for line in _lines(report, out, refreshed=refresh):
        console().print(line, markup=False, soft_wrap=True)
    if push_url is not None:
        console().print(push_days(push_url, report.history), markup=False, soft_wrap=True)


def _sources(urls: Mapping[str, str | None], spx_csv: Path | None) -> Sources:
    from kronos.market.sources.chart import SpxFile
    from kronos.market.sources.entries import sources_at

    if urls["spx"] is not None and spx_csv is not None:
        raise KronosError("--spx-url and --spx-csv cannot be used together")
    public = sources_at(urls)
    return public if spx_csv is None else {**public, "spx": SpxFile(spx_csv)}


def _lines(report: FetchReport, out: Path, *, refreshed: bool) -> list[str]:
    from kronos.market.fetch import OPTIONAL

    have = report.history.sessions[report.history.has_bar]
    what = f"wrote {out}" if report.changed else f"{out} is as it was"
    lines = [f"{what}: {len(have):,} sessions, {have[0]} to {have[-1]}, {len(report.added):,} of them new"]
    if len(report.filled):
        lines.append(f"added bars of other instruments to {len(report.filled):,} sessions: {_some(report.filled)}")
    lines += [f"left out {index.upper()}: {why}" for index, why in report.away.items()]
    for index, days in report.dropped.items():
        if len(days):
            lines.append(f"{index.upper()}: dropped {len(days):,} rows of days without a session: {_some(days)}")
    for index, days in report.lacking.items():
        if len(days):
            fate = "" if index in OPTIONAL else ", which are left out"
            lines.append(f"{index.upper()}: no bar on {len(days):,} sessions{fate}: {_some(days)}")
    fate = "replaced" if refreshed else "kept; --refresh replaces it"
    lines += [
        f"restated: {value.session} {value.column} {value.before:.2f} is now {value.now:.2f} ({fate})"
        for value in report.restated[:MOST_SHOWN]
    ]
    if len(report.restated) > MOST_SHOWN:
        lines.append(f"restated: {len(report.restated) - MOST_SHOWN:,} more values")
    return lines


def _some(days: Days) -> str:
    shown = [str(parse_day) for parse_day in days[:MOST_SHOWN]]
    return ", ".join(shown) + (f" and {len(days) - MOST_SHOWN:,} more, to {days[-1]}" if len(days) > MOST_SHOWN else "")


def _date(option: str, text: str | None) -> date | None:
    value = parse_day(option, text)
    return None if value is None else as_date(value)
