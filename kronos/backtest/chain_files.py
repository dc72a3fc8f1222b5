"""Read option chains: CSV or Parquet with our own columns, iVolatility's CSV, or QuantConnect's zips of minute bars.

Our columns are `quote_date,expiration,right,strike,bid,ask` and optionally `quote_time` (New York) and `underlying`
(the price of the index). Dates are ISO, and `right` is C or P.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from kronos.backtest.quotes import END_OF_DAY, Chains, Minutes
from kronos.errors import MarketDataError
from kronos.market.history import Flags, Floats
from kronos.market.sessions import Days

REQUIRED = ("quote_date", "expiration", "right", "strike", "bid", "ask")
NUMBERS = ("strike", "bid", "ask", "underlying")
IVOLATILITY = {
    "date": "quote_date",
    "option_expiration": "expiration",
    "call/put": "right",
    "stock_price_close": "underlying",
}
AM_SETTLED_ROOT = "SPX"

QUANTCONNECT_NAME = re.compile(r"(\d{8})_\w+_minute_quote_european_(call|put)_(\d+)_(\d{8})\.csv")
QUANTCONNECT_COLUMNS = [
    "start",
    *(f"{side}_{part}" for side in ("bid", "ask") for part in ("o", "h", "l", "close", "size")),
]
QUANTCONNECT_SCALE = 10_000


def read_chains(path: Path) -> Chains:
    """Read a chain file, or every `.csv`, `.parquet` and `.zip` in a folder.

    Raises
    ------
    MarketDataError
        If there is nothing to read, a column is missing, or a value is not a date, time, right or number. The message
        names the file.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    found = [file for file in files if file == path or file.suffix.lower() in _READERS]
    if not found:
        raise MarketDataError(f"{path}: the folder has no .csv, .parquet or .zip file")
    parts = [part for file in found for part in _read(file)]
    if not any(len(part) for part in parts):
        raise MarketDataError(f"{path}: it contains no quotes")
    return Chains(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Chains)}
    )


def _read(path: Path) -> Iterator[Chains]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise MarketDataError(f"{path}: an option chain must be a .csv, .parquet or .zip file, or a folder of them")
    try:
        yield from reader(path)
    except OSError as error:
        raise MarketDataError(f"{path}: {error.strerror or error}") from error
    except (pa.ArrowException, zipfile.BadZipFile, ValueError) as error:
        raise MarketDataError(f"{path}: {str(error).splitlines()[0]}") from error


def _from_csv(path: Path) -> Iterator[Chains]:
    with path.open(encoding="utf-8-sig") as file:
        header = file.readline().rstrip("\n").split(",")
    foreign = {theirs: ours for theirs, ours in IVOLATILITY.items() if theirs in header}
    texts = [name for name in header if foreign.get(name, name) not in NUMBERS]
    table = pyarrow.csv.read_csv(
        path,
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pa.string() if name in texts else pa.float64() for name in header}
        ),
    )
    yield _from_table(table.rename_columns([foreign.get(name, name) for name in table.column_names]))


def _from_parquet(path: Path) -> Iterator[Chains]:
    yield _from_table(pyarrow.parquet.read_table(path))


def _from_zip(path: Path) -> Iterator[Chains]:
    """A day of one-minute bars, one file per contract; a bar's closing quote is known when its minute ends."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            parts = QUANTCONNECT_NAME.fullmatch(Path(name).name)
            if parts is None:
                raise ValueError(f"{name} is not named like QuantConnect's quotes of European options")
            day, right, strike, expiration = parts.groups()
            bars = pyarrow.csv.read_csv(
                io.BytesIO(archive.read(name)),
                read_options=pyarrow.csv.ReadOptions(column_names=QUANTCONNECT_COLUMNS),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(QUANTCONNECT_COLUMNS, pa.float64())
                ),
            )
            count = len(bars)
            yield Chains(
                quoted_on=np.full(count, _compact_date(day)),
                minute=(_floats(bars, "start") // 60_000).astype(np.int64) + 1,
                expiration=np.full(count, _compact_date(expiration)),
                is_put=np.full(count, right == "put"),
                strike=np.full(count, int(strike) / QUANTCONNECT_SCALE),
                bid=_floats(bars, "bid_close") / QUANTCONNECT_SCALE,
                ask=_floats(bars, "ask_close") / QUANTCONNECT_SCALE,
                underlying=np.full(count, np.nan),
            )


_READERS = {".csv": _from_csv, ".parquet": _from_parquet, ".zip": _from_zip}


def _from_table(table: Any) -> Chains:
    missing = [name for name in REQUIRED if name not in table.column_names]
    if missing:
        raise ValueError(f"missing column {missing[0]}")
    if "option_symbol" in table.column_names:
        root = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(table["option_symbol"], 0, 5))
        table = table.filter(pc.not_equal(root, AM_SETTLED_ROOT))
    count = len(table)
    return Chains(
        quoted_on=_dates(table, "quote_date"),
        minute=_minutes(table) if "quote_time" in table.column_names else np.full(count, END_OF_DAY),
        expiration=_dates(table, "expiration"),
        is_put=_is_put(table),
        strike=_floats(table, "strike"),
        bid=_floats(table, "bid"),
        ask=_floats(table, "ask"),
        underlying=_floats(table, "underlying") if "underlying" in table.column_names else np.full(count, np.nan),
    )


def _floats(table: Any, name: str) -> Floats:
    return np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)


def _dates(table: Any, name: str) -> Days:
    column = table[name].combine_chunks()
    if not pa.types.is_temporal(column.type):
        text = column.cast(pa.string())
        american = len(text) > 0 and "/" in (text[0].as_py() or "")
        column = pc.strptime(text, format="%m/%d/%Y" if american else "%Y-%m-%d", unit="s", error_is_null=True)
        _require_all(column, text, name, "a date like 2018-12-31")
    return np.asarray(column.cast(pa.date32()).to_numpy(zero_copy_only=False), dtype="datetime64[D]")


def _minutes(table: Any) -> Minutes:
    text = table["quote_time"].combine_chunks().cast(pa.string())
    parsed = pc.strptime(pc.utf8_slice_codeunits(text, 0, 5), format="%H:%M", unit="s", error_is_null=True)
    _require_all(parsed, text, "quote_time", "a time like 15:45")
    return np.asarray(pc.add(pc.multiply(pc.hour(parsed), 60), pc.minute(parsed)).to_numpy(zero_copy_only=False))


def _is_put(table: Any) -> Flags:
    text = table["right"].combine_chunks().cast(pa.string())
    letter = pc.utf8_upper(pc.utf8_slice_codeunits(text, 0, 1))
    sides = pc.if_else(pc.is_in(letter, pa.array(["C", "P"])), letter, None)
    _require_all(sides, text, "right", "C or P")
    return np.asarray(pc.equal(sides, "P").to_numpy(zero_copy_only=False))


def _require_all(parsed: Any, text: Any, name: str, form: str) -> None:
    bad = pc.index(pc.is_null(parsed), value=True).as_py()
    if bad >= 0:
        raise ValueError(f"quote {bad + 1}, column {name}: {text[bad].as_py()!r} is not {form}")


def _compact_date(text: str) -> np.datetime64:
    return np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:]}", "D")
