"""Read and write market history as CSV: `date,spx_open,spx_high,spx_low,spx_close,vix_close[,vix_open,…]`."""

from __future__ import annotations

import csv
import math
import os
import re
from contextlib import suppress
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from kronos.errors import MarketDataError
from kronos.market.history import COLUMNS, OPTIONAL_COLUMNS, REQUIRED_COLUMNS, MarketHistory, family_of
from kronos.market.plausible import implausible
from kronos.market.sessions import exchange_sessions

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_market_csv(path: Path) -> MarketHistory:
    """Read and check a file of daily bars.

    Raises
    ------
    MarketDataError
        For a missing column, a number that cannot be read or is not positive, a duplicate date, a date that is not a
        session, or bars that cannot be those of their instrument. The message names the file, the row (the header is
        row 1) or the session, and the column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            return _parse(path, reader)
    except OSError as error:
        raise MarketDataError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MarketDataError(f"{path}: not CSV text: {error}") from error


def bundled_sample() -> MarketHistory:
    """The sample that ships with KRONOS: SPX bars and VIX closes, 2014-2018."""
    with as_file(files("kronos.market") / "data" / "sample_2014_2018.csv") as path:
        return read_market_csv(path)


def _parse(path: Path, reader: csv.DictReader[str]) -> MarketHistory:
    header = reader.fieldnames or []
    if len(set(header)) < len(header):
        raise MarketDataError(f"{path}, row 1: a column appears twice")
    missing = [name for name in ("date", *REQUIRED_COLUMNS) if name not in header]
    if missing:
        raise MarketDataError(f"{path}, row 1: missing column {missing[0]}")
    names = REQUIRED_COLUMNS + tuple(name for name in OPTIONAL_COLUMNS if name in header)
    rows: dict[date, list[float]] = {}
    for record in reader:
        where = f"{path}, row {reader.line_num}"
        if None in record:
            raise MarketDataError(f"{where}: more cells than columns")
        day = _session(where, record["date"])
        if day in rows:
            raise MarketDataError(f"{where}, column date: {day} appears twice")
        rows[day] = [_number(f"{where}, column {name}", record[name], name) for name in names]
        if float(record["spx_low"]) > float(record["spx_high"]):
            raise MarketDataError(f"{where}, column spx_low: above spx_high")
    if not rows:
        raise MarketDataError(f"{path}: no rows below the header")
    days = sorted(rows)
    values = np.array([rows[day] for day in days])
    history = MarketHistory.from_bars(
        np.array(days, dtype="datetime64[D]"), {name: values[:, at] for at, name in enumerate(names)}
    )
    if faults := implausible(history):
        raise MarketDataError(f"{path}, column {faults[0].column}: {faults[0].reason}")
    return history


def _session(where: str, text: str | None) -> date:
    stripped = (text or "").strip()
    try:
        day = date.fromisoformat(stripped if DATE.fullmatch(stripped) else "")
    except ValueError:
        raise MarketDataError(f"{where}, column date: {text!r} is not a date like 2018-12-31") from None
    sessions = exchange_sessions()
    if not sessions.first <= day <= sessions.last:
        raise MarketDataError(
            f"{where}, column date: {day} is outside the session list ({sessions.first} to {sessions.last})"
        )
    if day not in sessions:
        raise MarketDataError(f"{where}, column date: {day} is not an exchange session")
    return day


def _number(where: str, text: str | None, name: str) -> float:
    stripped = (text or "").strip()
    if not stripped and name in OPTIONAL_COLUMNS:
        return math.nan
    try:
        value = float(stripped) if "_" not in stripped else math.nan
    except ValueError:
        raise MarketDataError(f"{where}: {text!r} is not a number") from None
    if not (math.isfinite(value) and value > 0):
        raise MarketDataError(f"{where}: {text!r} is not a positive number")
    family = family_of(name)
    if math.isnan(family.in_range(value)):
        if name in OPTIONAL_COLUMNS:
            return math.nan
        raise MarketDataError(f"{where}: {text!r} is outside {family.lowest:,} to {family.highest:,}")
    return value


def write_market_csv(history: MarketHistory, path: Path) -> None:
    """Write the sessions that have a bar, in the format that `read_market_csv` reads and without rounding."""
    columns = history.columns
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", *COLUMNS])
        for at in np.flatnonzero(history.has_bar):
            values = [float(columns[name][at]) for name in COLUMNS]
            writer.writerow([history.sessions[at], *("" if math.isnan(value) else repr(value) for value in values)])


def existing_history(path: Path) -> MarketHistory | None:
    """The history in the file to be extended, or None if there is no file.

    Raises
    ------
    MarketDataError
        If the file cannot be read, or has a column that would be lost when it is written again.
    """
    if not path.exists():
        return None
    history = read_market_csv(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        foreign = set(next(csv.reader(file))) - {"date", *COLUMNS}
    if foreign:
        raise MarketDataError(f"{path}: the column {min(foreign)!r} would be lost; name another file with --out")
    return history


def replace_market_csv(history: MarketHistory, path: Path) -> None:
    """Replace a file atomically: whatever happens, either the old file or the new one is there in full.

    Raises
    ------
    MarketDataError
        If the file cannot be written.
    """
    target = path.resolve()
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        write_market_csv(history, scratch)
        _sync(scratch)
        scratch.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise MarketDataError(f"{path}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            scratch.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
