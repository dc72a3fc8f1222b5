"""Daily bars from CSV text with the columns date, open, high, low and close.

Column names match in any case, and other columns are ignored. Dates are `MM/DD/YYYY`, as in the exchange's public
files, or ISO dates with or without a time, as pandas writes them.
"""

from __future__ import annotations

import csv
import math
from datetime import date

from kronos.market.sources.source import PRICES, DailyBars, SourceError, SourceRow

ABSENT = frozenset({"", "null", "nan"})
LONGEST_QUOTE = 40


def parse_daily_csv(content: bytes) -> DailyBars:
    """Read bars; a blank or non-positive price becomes NaN.

    Raises
    ------
    SourceError
        If the text is not such a table, a date or number cannot be read, a row is cut short, or a day appears twice
        with different prices. The message names the row (the header is row 1).
    """
    try:
        lines = content.decode("utf-8-sig").splitlines()
        reader = csv.DictReader(lines, skipinitialspace=True)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        _require_columns(lines, reader.fieldnames)
        rows: dict[date, SourceRow] = {}
        for record in reader:
            where = f"row {reader.line_num}"
            day, row = _day(where, record["date"]), tuple(_price(where, record[name], name) for name in PRICES)
            if not _same(rows.setdefault(day, row), row):
                raise SourceError(f"{where}: {day} appears twice, with different prices")
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"not CSV text ({error})") from error
    return DailyBars.from_rows(rows)


def _require_columns(lines: list[str], header: list[str]) -> None:
    missing = [name for name in ("date", *PRICES) if name not in header]
    if not lines or not lines[0].strip():
        raise SourceError("empty, where a table of daily bars was expected")
    if missing:
        raise SourceError(f"no column {missing[0]}: the first line is {lines[0][:LONGEST_QUOTE]!r}")


def _day(where: str, text: str | None) -> date:
    day = (text or "").strip()[:10]
    try:
        if "/" in day:
            month, day_of_month, year = map(int, day.split("/"))
            return date(year, month, day_of_month)
        return date.fromisoformat(day)
    except ValueError:
        raise SourceError(f"{where}: {text!r} is not a date like 2018-12-31 or 12/31/2018") from None


def _price(where: str, text: str | None, name: str) -> float:
    if text is None:
        raise SourceError(f"{where} is cut short: it has no {name}")
    try:
        price = math.nan if text.strip().lower() in ABSENT else float(text)
    except ValueError:
        raise SourceError(f"{where}: the {name} {text[:LONGEST_QUOTE]!r} is not a number") from None
    return price if math.isfinite(price) and price > 0 else math.nan


def _same(one: SourceRow, other: SourceRow) -> bool:
    return all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other, strict=True))
