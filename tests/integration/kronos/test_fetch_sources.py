"""The sources on their own: what the network does wrong, and the formats."""

from __future__ import annotations

import json
import math
import random
import socket
import time
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np
import pytest

from kronos.market.sessions import NEW_YORK
from kronos.market.sources.cboe import CboeFile
from kronos.market.sources.chart import Chart, SpxFile
from kronos.market.sources.daily_csv import parse_daily_csv
from kronos.market.sources.download import Limits, _redirected, download, without_secrets
from kronos.market.sources.source import SourceError
from tests.support.fetch_server import (
    FIRST,
    LAST,
    QUICK,
    SESSIONS,
    FetchServer,
    Reply,
    opening,
    spx_bars,
    vix_bars,
    vix_file,
)

HTML = b"<!DOCTYPE html>\n<html><body>Are you a robot?</body></html>"


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


PATIENT = replace(QUICK, read_seconds=60.0, total_seconds=120.0, max_bytes=50_000)
"""No answer of a local server is late, however busy the machine."""


class Failure(NamedTuple):
    """What the source does, what is said of it, and how often it is asked."""

    reply: Reply
    reason: str
    requests: int
    limits: Limits = PATIENT


FAILURES = {
    "not found": Failure(Reply(status=404), "HTTP 404", 1),
    "forbidden": Failure(Reply(status=403), "HTTP 403", 1),
    "too many requests": Failure(Reply(status=429), "HTTP 429, too many requests", 3),
    "unavailable": Failure(Reply(status=503), "HTTP 503", 3),
    "wait for an hour": Failure(Reply(status=429, headers={"Retry-After": "3600"}), "HTTP 429, too many requests", 1),
    "a web page": Failure(Reply(HTML), "no column date: the first line is '<!DOCTYPE html>'", 1),
    "nothing": Failure(Reply(b""), "empty, where a table of daily bars was expected", 1),
    "binary": Failure(Reply(b"\x80\x81"), "not CSV text", 1),
    "cut short": Failure(Reply(b"DATE,OPEN\r\n", claims_bytes=5000), "the reply broke off", 3),
    "cut short in chunks": Failure(Reply(b"DATE,OPEN\r\n", chunked=True), "the reply broke off", 3),
    "round in circles": Failure(Reply(status=302, headers={"Location": "/vix"}), "more than 5 redirects", 6),
    "to another protocol": Failure(
        Reply(status=302, headers={"Location": "file:///etc/hosts"}), "not an http or https", 1
    ),
    "far too large": Failure(Reply(b"x" * 70_000), "larger than 50,000 bytes", 1),
    "never says a word": Failure(Reply(silent=True), "it stopped sending", 3, replace(PATIENT, read_seconds=0.2)),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failing_source_is_one_line_that_names_it(server: FetchServer, failure: Failure) -> None:
    url = server.serve("/vix", failure.reply)
    with pytest.raises(SourceError) as caught:
        CboeFile(url + "?key=secret", failure.limits).bars(FIRST, LAST)
    text = str(caught.value)
    assert text.startswith(f"VIX from {url}: {failure.reason}")
    assert text.endswith("; try again later, or name another copy with --vix-url")
    assert "\n" not in text
    assert "secret" not in text
    assert len(server.queries["/vix"]) == failure.requests


def test_a_source_that_drips_is_waited_for_no_longer_than_stated(server: FetchServer) -> None:
    """A byte now and then keeps to every time-out but the total; all of it would take a day."""
    url = server.serve("/vix", Reply(b"x" * 1_000_000, drip_seconds=0.1))
    with pytest.raises(SourceError, match=r"no whole reply within 0\.5 s"):
        CboeFile(url, replace(PATIENT, total_seconds=0.5)).bars(FIRST, LAST)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://127.0.0.1/vix", "not an http or https address"),
        ("VIX_History.csv", "not an http or https address"),
        ("http://[", "not an http or https address"),
    ],
)
def test_an_address_that_leads_nowhere(url: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        CboeFile(url, replace(QUICK, attempts=1)).bars(FIRST, LAST)


def test_an_address_where_nobody_listens(nobody: str) -> None:
    with pytest.raises(SourceError, match="it cannot be reached"):
        CboeFile(f"{nobody}/vix", replace(PATIENT, attempts=1)).bars(FIRST, LAST)


def test_a_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SourceError, match="its name cannot be resolved"):
        CboeFile("http://vix.invalid/file", QUICK).bars(FIRST, LAST)


def test_name_resolution_that_hangs_is_waited_for_no_longer_than_stated(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs until the test is over."""
    over = Event()

    def hang(*_: Any, **__: Any) -> None:
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(SourceError, match=r"no whole reply within 0\.3 s"):
        CboeFile("http://vix.invalid/file", replace(PATIENT, total_seconds=0.3)).bars(FIRST, LAST)
    assert not over.is_set()
    over.set()


@pytest.mark.parametrize(
    "bad",
    [Reply(status=503), Reply(status=429, headers={"Retry-After": "0"}), Reply(b"DATE", claims_bytes=99)],
    ids=["503", "429", "cut short"],
)
def test_a_passing_failure_is_tried_again(server: FetchServer, bad: Reply) -> None:
    url = server.serve("/vix", bad, bad, Reply(vix_file(vix_bars(SESSIONS))))
    assert CboeFile(url, QUICK).bars(FIRST, LAST).days.tolist() == SESSIONS
    assert len(server.queries["/vix"]) == 3


def test_pauses_grow(server: FetchServer, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)
    monkeypatch.setattr(time, "sleep", pauses.append)
    url = server.serve("/vix", Reply(status=503))
    with pytest.raises(SourceError, match="HTTP 503"):
        download(url, replace(PATIENT, pause_seconds=0.2))
    assert pauses == [0.2, 0.4]


def test_redirects_are_followed_and_the_agent_is_named(server: FetchServer) -> None:
    server.serve("/new", Reply(vix_file(vix_bars(SESSIONS))))
    url = server.serve("/old", Reply(status=301, headers={"Location": "/new"}))
    assert CboeFile(url, QUICK).bars(FIRST, LAST).days.tolist() == SESSIONS
    assert "kronos" in server.agents[-1]


def test_encryption_is_not_given_up_in_a_redirect() -> None:
    assert _redirected("https://a.test/x", "/y") == "https://a.test/y"
    assert _redirected("http://a.test/x", "https://a.test/y") == "https://a.test/y"
    with pytest.raises(SourceError, match="without encryption"):
        _redirected("https://a.test/x", "http://a.test/x")


def test_an_address_is_shown_without_its_secrets() -> None:
    assert without_secrets("https://user:word@a.test:8443/x.csv?key=1#there") == "https://a.test:8443/x.csv"


def chart_of(prices: list[object], meta: dict[str, str]) -> object:
    quote = dict.fromkeys(("open", "high", "low", "close"), prices)
    return {"chart": {"result": [{"meta": meta, "timestamp": [opening(FIRST)], "indicators": {"quote": [quote]}}]}}


CHARTS = {
    "an error": ({"chart": {"result": None, "error": {"description": "No data found"}}}, "it reports 'No data found'"),
    "another form": ({"finance": {}}, "not in the expected chart format"),
    "no result": ({"chart": {"result": [], "error": None}}, "not in the expected chart format"),
    "a text for a price": (chart_of(["n/a"], {}), "not in the expected chart format"),
    "columns of unequal length": (chart_of([], {}), "not in the expected chart format"),
    "monthly bars": (chart_of([4000.0], {"dataGranularity": "1mo"}), "it has bars of 1mo, not daily bars"),
}


@pytest.mark.parametrize(("chart", "reason"), CHARTS.values(), ids=CHARTS)
def test_a_chart_that_cannot_be_read(server: FetchServer, chart: object, reason: str) -> None:
    url = server.serve("/spx", Reply(as_json(chart)))
    with pytest.raises(SourceError, match=rf"^SPX from http://127.*: {reason}.*--spx-csv$"):
        Chart(url, QUICK).bars(FIRST, LAST)


def test_an_spx_address_may_answer_with_a_csv_and_keeps_its_query(server: FetchServer) -> None:
    url = server.serve("/spx.csv", Reply(vix_file(spx_bars(SESSIONS[:5]))))
    assert Chart(url + "?key=1", QUICK).bars(FIRST, LAST).days.tolist() == SESSIONS[:5]
    assert server.queries["/spx.csv"][0].keys() == {"key", "period1", "period2", "interval"}


@pytest.mark.parametrize(
    "text",
    [
        "date,open,high,low,close\n2024-01-02,1.5,3,1,2\n",
        "DATE,OPEN,HIGH,LOW,CLOSE\r\n01/02/2024,1.500000,3.000000,1.000000,2.000000\r\n",
        "Date,Open,High,Low,Close,Volume\n2024-01-02 00:00:00-05:00,1.5,3.0,1.0,2.0,77\n\n",
        '\ufeff"date", "close","low","high","open"\n2024-01-02,2,1,3,1.5',
        "date,open,high,low,close\n2024-01-02,1.5,3,1,2\n2024-01-02,1.5,3,1,2\n",
    ],
    ids=["ISO", "exchange", "pandas", "other order", "the same row twice"],
)
def test_forms_of_csv(text: str) -> None:
    bars = parse_daily_csv(text.encode())
    assert bars.days.tolist() == [date(2024, 1, 2)]
    assert bars.prices.tolist() == [[1.5, 3.0, 1.0, 2.0]]


@pytest.mark.parametrize("price", ["", "0", "-1", "null", "NaN", "inf"])
def test_a_price_that_is_absent(price: str) -> None:
    bars = parse_daily_csv(f"date,open,high,low,close\n2024-01-02,{price},3,1,2\n".encode())
    np.testing.assert_array_equal(bars.prices, [[math.nan, 3.0, 1.0, 2.0]])


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["2024-01-02,1,3,1,2", "2024-01-02,1,3,1,2.5"], "row 3: 2024-01-02 appears twice, with different prices"),
        (["2024-13-02,1,3,1,2"], "row 2: '2024-13-02' is not a date like 2018-12-31 or 12/31/2018"),
        (["13/02/2024,1,3,1,2"], "row 2: '13/02/2024' is not a date"),
        (["2024-01-02,1,3,1,two"], "row 2: the close 'two' is not a number"),
        (["2024-01-02,1,3,1,2", "2024-01-03,1,3"], "row 3 is cut short: it has no low"),
    ],
)
def test_a_csv_that_cannot_be_read(tmp_path: Path, rows: list[str], reason: str) -> None:
    path = tmp_path / "spx.csv"
    path.write_text("\n".join(["date,open,high,low,close", *rows]))
    with pytest.raises(SourceError, match=f"^SPX from .*spx.csv: {reason}.*; the columns are date, open, high"):
        SpxFile(path).bars(FIRST, LAST)


def test_after_the_close_the_latest_row_of_a_day_stands(server: FetchServer) -> None:
    after = datetime(2025, 6, 30, 17, tzinfo=NEW_YORK)
    quote = {name: [5000.0, 5100.0] for name in ("open", "high", "low", "close")}
    stamps = [opening(LAST), int(after.timestamp()) - 1800]
    chart = {"meta": {}, "timestamp": stamps, "indicators": {"quote": [quote]}}
    url = server.serve("/twice", Reply(as_json({"chart": {"result": [chart], "error": None}})))
    bars = Chart(url, QUICK).bars(LAST, LAST)
    assert bars.days.tolist() == [LAST]
    assert bars.prices.tolist() == [[5100.0] * 4]
