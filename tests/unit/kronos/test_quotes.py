"""Chains from files, and what a condor sells for at their quotes; nothing is interpolated."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kronos.backtest.chain_files import read_chains
from kronos.backtest.quotes import END_OF_DAY, Chains
from kronos.condor.strikes import Strikes
from kronos.errors import MarketDataError
from tests.support.chains import HEADER, chain_file, quotes_at
from tests.support.paths import EVALUATION_DATA

CHAINS = EVALUATION_DATA / "chains"
DAY = np.array(["2017-06-05"], dtype="datetime64[D]")
STRIKES = Strikes(*(np.array([[strike]]) for strike in (1970.0, 1980.0, 2020.0, 2030.0)))


def natural(chains: Chains, entry: str = "open", day: np.ndarray = DAY) -> float:
    return float(chains.at_entry(entry).credit(day, day, STRIKES, 0.3)[0, 0])  # type: ignore[arg-type]


def test_natural_sells_at_the_bid_and_buys_at_the_ask(tmp_path: Path) -> None:
    chains = read_chains(chain_file(tmp_path, *quotes_at("09:31")))
    assert natural(chains) == pytest.approx(1.00 - 0.50 + 0.90 - 0.45)


def test_mid_pays_slippage_and_natural_does_not(tmp_path: Path) -> None:
    quotes = read_chains(chain_file(tmp_path, *quotes_at("09:31"))).at_entry("open", "mid")
    mid = 1.10 - 0.45 + 1.00 - 0.375
    assert quotes.credit(DAY, DAY, STRIKES, 0.3)[0, 0] == pytest.approx(mid - 0.3)


def test_the_entrys_own_moment_is_dealt_at(tmp_path: Path) -> None:
    times = {"09:29": 9.0, "09:31": 0.1, "09:40": 0.2, "15:40": 9.0, "15:50": 0.3, "16:00": 0.4, "16:10": 9.0}
    rows = [row for time, worth in times.items() for row in quotes_at(time, worth=worth)]
    chains = read_chains(chain_file(tmp_path, *rows[::-1]))
    assert natural(chains) == pytest.approx(0.95 + 2 * 0.1)
    assert natural(chains, "close") == pytest.approx(0.95 + 2 * 0.4)


def test_a_half_day_closes_at_13(tmp_path: Path) -> None:
    day = "2018-11-23"
    rows = [*quotes_at("12:55", day, 0.1), *quotes_at("13:05", day, 0.2), *quotes_at("16:00", day, 0.3)]
    chains = read_chains(chain_file(tmp_path, *rows))
    assert natural(chains, "close", np.array([day], dtype="datetime64[D]")) == pytest.approx(0.95 + 2 * 0.1)


def test_end_of_day_quotes_serve_the_close_only(tmp_path: Path) -> None:
    rows = [row.replace(",09:31,", ",") for row in quotes_at("09:31")]
    chains = read_chains(chain_file(tmp_path, *rows, header=HEADER.replace("quote_time,", "")))
    assert (chains.minute == END_OF_DAY).all()
    assert natural(chains, "close") == pytest.approx(0.95)
    with pytest.raises(MarketDataError, match="end-of-day quotes can be used only for an entry at the close"):
        chains.at_entry("open")


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_strike_is_never_interpolated(tmp_path: Path, missing: int) -> None:
    rows = quotes_at("09:31")
    neighbours = [
        row.replace(f",{strike},", f",{int(strike) + shift},")
        for row, strike in zip(rows, ("1970", "1980", "2020", "2030"), strict=True)
        for shift in (-5, 5)
    ]
    kept = [row for at, row in enumerate(rows) if at != missing]
    assert np.isnan(natural(read_chains(chain_file(tmp_path, *kept, *neighbours))))


@pytest.mark.parametrize("spoilt", ["0.60,0.40", "-0.10,0.50", ",0.50", "0.00,0.00"])
def test_crossed_and_empty_quotes_are_absent(tmp_path: Path, spoilt: str) -> None:
    rows = quotes_at("09:31")
    rows[0] = rows[0].replace("0.40,0.50", spoilt)
    assert np.isnan(natural(read_chains(chain_file(tmp_path, *rows))))


def test_a_credit_of_the_whole_wing_is_no_quote(tmp_path: Path) -> None:
    assert np.isnan(natural(read_chains(chain_file(tmp_path, *quotes_at("09:31", worth=5.0)))))


def test_the_wrong_expiration_is_absent(tmp_path: Path) -> None:
    quotes = read_chains(chain_file(tmp_path, *quotes_at("09:31"))).at_entry("open")
    assert np.isnan(quotes.credit(DAY, DAY + 1, STRIKES, 0.0)[0, 0])
    assert not quotes.covers(DAY + 1)[0]


def test_the_price_quoted_with_the_chain_is_the_entry_price(tmp_path: Path) -> None:
    quotes = read_chains(chain_file(tmp_path, *quotes_at("09:31"))).at_entry("open")
    assert quotes.price_at_entry(DAY, np.array([1999.0]))[0] == 2000.0
    with pytest.raises(
        MarketDataError, match=r"on 2017-06-05 the chain has its underlying at 2000, but the market was at 200$"
    ):
        quotes.price_at_entry(DAY, np.array([200.0]))


def test_parquet_and_csv_read_alike(tmp_path: Path) -> None:
    from_csv = read_chains(chain_file(tmp_path, *quotes_at("09:31")))
    day = pa.array([date(2017, 6, 5)] * 4)
    table = {
        "quote_date": day,
        "quote_time": ["09:31:00"] * 4,
        "expiration": day,
        "right": ["put", "put", "call", "call"],
    }
    numbers = {name: list(getattr(from_csv, name)) for name in ("strike", "bid", "ask", "underlying")}
    pq.write_table(pa.table(table | numbers), tmp_path / "chain.parquet")
    from_parquet = read_chains(tmp_path / "chain.parquet")
    for name, values in vars(from_csv).items():
        np.testing.assert_array_equal(getattr(from_parquet, name), values, err_msg=name)
    assert len(read_chains(tmp_path)) == 8


def test_ivolatility_columns_are_mapped_and_am_settled_roots_left_out(tmp_path: Path) -> None:
    header = "symbol,date,stock_price_close,option_symbol,option_expiration,strike,call/put,ask,bid"
    rows = (
        "SPX,06/05/2017,2000.0,SPXW  170605P01970000,06/05/2017,1970.0,P,0.50,0.40",
        "SPX,06/05/2017,2000.0,SPX   170605P01970000,06/05/2017,1970.0,P,9.50,9.40",
    )
    chains = read_chains(chain_file(tmp_path, *rows, header=header))
    assert len(chains) == 1
    assert (str(chains.quoted_on[0]), str(chains.expiration[0])) == ("2017-06-05", "2017-06-05")
    assert (chains.is_put[0], chains.strike[0], chains.bid[0], chains.ask[0]) == (True, 1970, 0.40, 0.50)
    assert chains.underlying[0] == 2000.0


def test_quantconnect_minutes_are_known_when_they_end(tmp_path: Path) -> None:
    start = (9 * 60 + 30) * 60_000
    bar = f"{start},3000,3000,3000,4000,48,5000,5000,5000,6000,15\n"
    with zipfile.ZipFile(tmp_path / "spxw.zip", "w") as archive:
        archive.writestr("20170605_spxw_minute_quote_european_put_19700000_20170607.csv", bar)
    chains = read_chains(tmp_path / "spxw.zip")
    assert (chains.minute[0], chains.is_put[0], chains.strike[0]) == (9 * 60 + 31, True, 1970)
    assert (chains.bid[0], chains.ask[0], str(chains.expiration[0])) == (0.4, 0.6, "2017-06-07")


GOOD = "2017-06-05,09:31,2017-06-05,P,1970,0.4,0.5,2000"
BAD_FILES = {
    "no date": (GOOD.replace("2017-06-05,09", "yesterday,09"), "quote 1, column quote_date: 'yesterday' is not a date"),
    "no expiration": (GOOD.replace(",2017-06-05,", ",,"), "quote 1, column expiration: '' is not a date"),
    "no time": (GOOD.replace("09:31", "noon"), "column quote_time: 'noon' is not a time"),
    "no right": (GOOD.replace(",P,", ",X,"), "column right: 'X' is not C or P"),
    "no number": (GOOD.replace("1970", "many"), "many"),
}


@pytest.mark.parametrize(("row", "complaint"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_value_is_named(tmp_path: Path, row: str, complaint: str) -> None:
    path = chain_file(tmp_path, row)
    with pytest.raises(MarketDataError, match=complaint) as caught:
        read_chains(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_what_is_no_chain_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn.zip").write_bytes(b"PK")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    for path, complaint in (
        (tmp_path / "absent.csv", "No such file"),
        (tmp_path / "empty", "no .csv, .parquet or .zip file"),
        (chain_file(tmp_path, name="chain.txt"), "an option chain must be a .csv, .parquet or .zip file"),
        (chain_file(tmp_path, name="rows.csv"), "it contains no quotes"),
        (chain_file(tmp_path, header="date,strike", name="other.csv"), "missing column expiration"),
        (tmp_path / "torn.zip", "not a zip file"),
        (tmp_path / "torn.parquet", "Parquet"),
    ):
        with pytest.raises(MarketDataError, match=complaint):
            read_chains(path)


@pytest.mark.skipif(not CHAINS.exists(), reason="the sample of real chains is not here")
def test_the_condor_of_2011_01_06_sells_for_what_was_quoted() -> None:
    chains = read_chains(CHAINS)
    entry, expiry = (np.array([day], dtype="datetime64[D]") for day in ("2011-01-06", "2011-01-07"))
    strikes = Strikes(*(np.array([[strike]]) for strike in (1250.0, 1260.0, 1290.0, 1300.0)))
    assert chains.at_entry("close").credit(entry, expiry, strikes, 0.3)[0, 0] == pytest.approx(0.95)
    assert chains.at_entry("close", "mid").credit(entry, expiry, strikes, 0.0)[0, 0] == pytest.approx(1.175)
    assert chains.at_entry("close", "mid").credit(entry, expiry, strikes, 0.3)[0, 0] == pytest.approx(0.875)


@pytest.mark.skipif(not CHAINS.exists(), reason="the sample of real chains is not here")
def test_a_box_of_real_minutes_sells_for_nearly_its_width() -> None:
    quotes = read_chains(CHAINS / "spxw_20210104.zip").at_entry("open")
    day, expiry = (np.array([day], dtype="datetime64[D]") for day in ("2021-01-04", "2021-01-06"))
    box = Strikes(*(np.array([[strike]]) for strike in (3700.0, 3800.0, 3700.0, 3800.0)))
    assert not quotes.carry_price
    assert 95 < quotes.credit(day, expiry, box, 0.0)[0, 0] < 100
    assert np.isnan(quotes.credit(day, expiry, box._replace(put_long=np.array([[3600.0]])), 0.0)[0, 0])
