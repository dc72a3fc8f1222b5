"""A server on loopback that replays what the public sources send, well and badly, and the bars to replay."""

from __future__ import annotations

import json
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

from kronos.market.sessions import NEW_YORK, as_date, exchange_sessions
from kronos.market.sources.download import Limits

Prices = tuple[float | None, float | None, float | None, float | None]
Bars = dict[date, Prices]

FIRST, LAST = date(2022, 1, 3), date(2025, 6, 30)
SESSIONS = [as_date(day) for day in exchange_sessions().between(FIRST, LAST)]
CALENDAR = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days)]
HOLIDAYS = [day for day in CALENDAR if day.weekday() < 5 and day not in exchange_sessions()][:33]
QUICK = Limits(pause_seconds=0.0)


@dataclass(frozen=True)
class Reply:
    """What to answer.

    Attributes
    ----------
    claims_bytes : the length it states
    drip_seconds : before each byte
    silent : not a word while the server runs
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    claims_bytes: int | None = None
    drip_seconds: float = 0.0
    chunked: bool = False
    silent: bool = False


Answer = Reply | Callable[[dict[str, list[str]]], Reply]


class FetchServer:
    """Answers each path with its replies in turn, the last of them for ever, and keeps what was asked."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Answer]] = {}
        self.queries: dict[str, list[dict[str, list[str]]]] = defaultdict(list)
        self.agents: list[str] = []
        self.over = Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    def serve(self, path: str, *replies: Answer) -> str:
        """Answer a path from now on; returns its address."""
        self.replies[path] = list(replies)
        return f"http://127.0.0.1:{self._http.server_port}{path}"

    def answer(self, path: str, query: dict[str, list[str]]) -> Reply:
        self.queries[path].append(query)
        waiting = self.replies.get(path) or [Reply(status=404)]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return answer if isinstance(answer, Reply) else answer(query)

    @contextmanager
    def running(self) -> Iterator[FetchServer]:
        thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self._http.shutdown()
            self._http.server_close()
            thread.join()


def _handler(server: FetchServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            reply = server.answer(parts.path, parse_qs(parts.query))
            server.agents.append(self.headers["User-Agent"])
            self.close_connection = True
            if reply.silent:
                server.over.wait()
                return
            self.send_response(reply.status)
            for name, value in (reply.headers | framing(reply)).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # a client that has had enough
                for piece in pieces(reply):
                    self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def framing(reply: Reply) -> dict[str, str]:
    if reply.chunked:
        return {"Transfer-Encoding": "chunked"}
    return {"Content-Length": str(reply.claims_bytes or len(reply.body))}


def pieces(reply: Reply) -> Iterator[bytes]:
    """The body; in chunks the last one never comes."""
    if reply.chunked:
        yield b"%x\r\n%b\r\n" % (len(reply.body), reply.body)
    elif reply.drip_seconds:
        for byte in reply.body:
            time.sleep(reply.drip_seconds)
            yield bytes([byte])
    else:
        yield reply.body


def vix_file(bars: Bars) -> bytes:
    """Bars as the exchange publishes them."""
    rows = [
        f"{day:%m/%d/%Y}," + ",".join("" if price is None else f"{price:.6f}" for price in prices)
        for day, prices in sorted(bars.items())
    ]
    return "\r\n".join(["DATE,OPEN,HIGH,LOW,CLOSE", *rows, ""]).encode()


def spx_chart(
    bars: Bars, live: datetime | None = None, adjusted: float | None = None
) -> Callable[[dict[str, list[str]]], Reply]:
    """Bars as the chart API gives them for the period that is asked: 32-bit noise, and a last row stamped `live`.

    Parameters
    ----------
    adjusted : the factor of the adjusted closes; they are absent without it
    """

    def answer(query: dict[str, list[str]]) -> Reply:
        first, last = (float(query[name][0]) for name in ("period1", "period2"))
        stamped = {opening(day): prices for day, prices in sorted(bars.items())}
        if live is not None:
            stamped[int(live.timestamp())] = stamped[opening(live.astimezone(NEW_YORK).date())]
        inside = {stamp: prices for stamp, prices in stamped.items() if first <= stamp < last}
        result: dict[str, object] = {"meta": {"symbol": "^GSPC", "dataGranularity": query["interval"][0]}}
        quote = {
            name: [as_float32(prices[at]) for prices in inside.values()]
            for at, name in enumerate(("open", "high", "low", "close"))
        }
        if inside:
            result["timestamp"] = list(inside)
        indicators: dict[str, object] = {"quote": [quote if inside else {}]}
        if adjusted is not None:
            closes = [None if price[3] is None else as_float32(price[3] * adjusted) for price in inside.values()]
            indicators["adjclose"] = [{"adjclose": closes}]
        result["indicators"] = indicators
        return Reply(json.dumps({"chart": {"result": [result], "error": None}}).encode())

    return answer


def opening(day: date) -> int:
    """The moment that the chart API stamps a finished day with."""
    return int(datetime.combine(day, clock_time(9, 30), NEW_YORK).timestamp())


def as_float32(price: float | None) -> float | None:
    """A price as it is after a way through 32 bits."""
    return None if price is None else struct.unpack("f", struct.pack("f", price))[0]


def spx_bars(days: Iterable[date]) -> Bars:
    """SPX from 4000 on, a point more each day."""
    return {
        day: (level + 0.11, level + 20.37, level - 18.42, level + 4.83)
        for at, day in enumerate(days)
        for level in [4000.0 + at]
    }


def spy_bars(days: Iterable[date]) -> Bars:
    """SPY, a tenth of SPX, opening a little higher."""
    return {
        day: (level + 0.11, level + 2.03, level - 1.84, level + 0.48)
        for at, day in enumerate(days)
        for level in [400.0 + at / 10]
    }


def vix_bars(days: Iterable[date]) -> Bars:
    """VIX about 18 to 20."""
    return {day: (18.25, 19.5, 17.75, round(18 + at % 7 * 0.31, 2)) for at, day in enumerate(days)}


def without(bars: Bars, *days: date) -> Bars:
    """The same bars but for these days."""
    return {day: prices for day, prices in bars.items() if day not in days}
