"""Reading bars: what is wrong is one line that names file, row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kronos.errors import MarketDataError
from kronos.market.csv_file import read_market_csv, write_market_csv
from kronos.market.history import MarketHistory
from tests.support.evaluation import evaluation_history, needs_evaluation_data

HEADER = "date,spx_open,spx_high,spx_low,spx_close,vix_close"
GOOD = "2018-12-28,2498.77,2520.27,2472.89,2485.74,28.34"
LAST = "2018-12-31,2498.94,2509.24,2482.82,2506.85,25.42"
SPY = ",spy_open,spy_high,spy_low,spy_close"

BAD_FILES = {
    "missing column": (
        ["date,spx_open,spx_high,spx_low,spx_close", "2018-12-31,1,1,1,1"],
        "row 1: missing column vix_close",
    ),
    "duplicated date": ([HEADER, GOOD, LAST, GOOD], "row 4, column date: 2018-12-28 appears twice"),
    "Sunday": ([HEADER, GOOD.replace("12-28", "12-30")], "row 2, column date: 2018-12-30 is not an exchange session"),
    "holiday": ([HEADER, GOOD.replace("12-28", "12-25")], "row 2, column date: 2018-12-25 is not an exchange session"),
    "no date": ([HEADER, GOOD.replace("2018-12-28", "28/12/2018")], "row 2, column date: '28/12/2018' is not a date"),
    "digits only": ([HEADER, GOOD.replace("2018-12-28", "20181228")], "column date: '20181228' is not a date"),
    "week": ([HEADER, GOOD.replace("2018-12-28", "2018-W52-1")], "column date: '2018-W52-1' is not a date"),
    "too old": (
        [HEADER, GOOD.replace("2018-12-28", "1960-01-04")],
        "column date: 1960-01-04 is outside the session list",
    ),
    "unparsable": ([HEADER, LAST, GOOD.replace("28.34", "n/a")], "row 3, column vix_close: 'n/a' is not a number"),
    "negative": ([HEADER, GOOD.replace("2472.89", "-1")], "row 2, column spx_low: '-1' is not a positive number"),
    "NaN": ([HEADER, GOOD.replace("2472.89", "nan")], "row 2, column spx_low: 'nan' is not a positive number"),
    "blank": ([HEADER, GOOD.replace("2472.89", "")], "row 2, column spx_low: '' is not a number"),
    "short row": ([HEADER, "2018-12-28,2498.77"], "row 2, column spx_high: None is not a number"),
    "low above high": ([HEADER, GOOD.replace("2472.89", "2600")], "row 2, column spx_low: above spx_high"),
    "VIX of 250": ([HEADER, GOOD.replace("28.34", "250")], "row 2, column vix_close: '250' is outside 5 to 200"),
    "SPX ten times as high": (
        [HEADER, GOOD, "2018-12-31,24989.4,25092.4,24828.2,25068.5,25.42"],
        "column spx_close: SPX closes at 2485.74 on 2018-12-28 and at 25068.5 on 2018-12-31",
    ),
    "SPY split": (
        [HEADER + SPY, f"{GOOD},249.6,251.4,246.4,247.8", f"{LAST},124.8,125.1,123.7,124.95"],
        "column spy_close: SPY closes at 247.8 on 2018-12-28 and at 124.95 on 2018-12-31, a move of -49.6%",
    ),
    "SPY closing above its high": (
        [HEADER + SPY, f"{GOOD},249.6,251.4,246.4,253"],
        "column spy_close: a SPY close of 253 on 2018-12-28, above its high of 251.4",
    ),
    "column twice": ([f"{HEADER},vix_close", f"{GOOD},1"], "row 1: a column appears twice"),
    "extra cells": ([HEADER, f"{GOOD},1"], "row 2: more cells than columns"),
    "underscore": ([HEADER, GOOD.replace("28.34", "2_8")], "row 2, column vix_close: '2_8' is not a positive number"),
    "header only": ([HEADER], "no rows below the header"),
    "empty": ([], "row 1: missing column date"),
}


@pytest.mark.parametrize(("lines", "complaint"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_one_line_that_says_where(tmp_path: Path, lines: list[str], complaint: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(MarketDataError) as caught:
        read_market_csv(path)
    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_binary_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(MarketDataError, match="No such file"):
        read_market_csv(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(MarketDataError, match="not CSV text"):
        read_market_csv(tmp_path / "binary.csv")


def test_rows_in_any_order_and_gaps_land_on_their_sessions(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(f"{HEADER}\n{LAST}\n2018-12-24,2400.56,2410.34,2351.10,2351.10,36.07\n")
    history = read_market_csv(path)
    assert [str(day) for day in history.sessions] == [
        "2018-12-24",
        "2018-12-26",
        "2018-12-27",
        "2018-12-28",
        "2018-12-31",
    ]
    assert history.has_bar.tolist() == [True, False, False, False, True]


def test_writing_loses_nothing(tmp_path: Path, sample: MarketHistory) -> None:
    history = sample
    write_market_csv(history, tmp_path / "out.csv")
    again = read_market_csv(tmp_path / "out.csv")
    for name, column in history.columns.items():
        np.testing.assert_array_equal(again.columns[name], column)


@needs_evaluation_data
def test_the_evaluation_data_is_read_whole() -> None:
    history = evaluation_history()
    assert history.has_bar.all()
    assert len(history) == 7307
