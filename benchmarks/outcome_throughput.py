"""How many durable outcomes a second the service takes: batches, single posts and the bare insert, in one run.

    python -m benchmarks.outcome_throughput [SECONDS]

Starts PostgreSQL and one service process by itself, on loopback. Each way of sending has its clients for the given
time (default 5 s); what is asked was encoded before, and every acknowledged row is counted in the table afterwards.
The service, its clients and PostgreSQL share the machine's cores; the bare insert has them to itself and PostgreSQL.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from ares_client.contract import MAX_OUTCOMES_PER_BATCH, Outcome
from service.db.embedded import EmbeddedPostgres
from service.db.migrate import migrate_now
from service.outcomes.service import content_sha256
from service.settings import Settings
from tests.support.processes import AdvisorProcess

CLIENTS = 4
DEFAULT_SECONDS = 5.0
PREPARED_PER_SECOND = {1: 2_000, MAX_OUTCOMES_PER_BATCH: 20_000}
COLUMNS = ("bot", "trade_id", "content_sha256", "trade_date", "outcome", "net_pnl", "features", "sd_multiplier")
INSERT = (
    f"INSERT INTO ares_ml_outcomes ({', '.join(COLUMNS)}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
    "ON CONFLICT (bot, trade_id) DO NOTHING"
)
Write = Callable[[asyncpg.Connection, Sequence[tuple[Any, ...]]], Awaitable[Any]]


@dataclass(frozen=True)
class Measured:
    """Rows that were acknowledged, and in which time."""

    way: str
    rows: int
    seconds: float

    @property
    def bots(self) -> str:
        """A pattern of the bots that reported so."""
        return bot_of(self.way, "%")

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def bot_of(way: str, client: int | str) -> str:
    return f"{way.replace(' ', '-')}-{client}"


def trade(bot: str, number: int) -> dict[str, Any]:
    """A trade as the guide's bot reports it."""
    return {
        "bot": bot,
        "trade_id": f"{bot}-{number}",
        "trade_date": "2018-12-03",
        "outcome": "MAX_PROFIT",
        "net_pnl": 142.5,
        "features": {"vix": 16.44, "price": 2790.5, "day_of_week": 0.0, "win_rate_30d": 0.82, "avg_pnl_30d": 31.25},
        "sd_multiplier": 1.0,
    }


def bodies(bot: str, size: int, seconds: float) -> list[bytes]:
    """More requests than a client can send in that time."""
    count = int(PREPARED_PER_SECOND[size] * seconds) // size
    numbers = range(count * size)
    if size == 1:
        return [json.dumps(trade(bot, number)).encode() for number in numbers]
    return [
        json.dumps({"outcomes": [trade(bot, number) for number in numbers[start : start + size]]}).encode()
        for start in range(0, len(numbers), size)
    ]


def post_all(port: int, prepared: list[bytes], size: int, seconds: float) -> int:
    """One client on one connection; returns how many rows were acknowledged."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    acknowledged, until = 0, time.perf_counter() + seconds
    for body in prepared:
        if time.perf_counter() >= until:
            break
        connection.request("POST", "/outcomes", body, {"content-type": "application/json"})
        reply = connection.getresponse()
        content = reply.read()
        if reply.status not in {200, 201}:
            raise SystemExit(f"the service answered {reply.status}: {content[:300]!r}")
        acknowledged += content.count(b'"recorded"') if size > 1 else 1
    connection.close()
    return acknowledged


def through_the_service(port: int, way: str, size: int, seconds: float) -> Measured:
    """Several clients at once, each with trades of its own."""
    prepared = [bodies(bot_of(way, client), size, seconds) for client in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        began = time.perf_counter()
        sent = clients.map(lambda own: post_all(port, own, size, seconds), prepared)
        rows = sum(sent)
        return Measured(way, rows, time.perf_counter() - began)


def stored_rows(bot: str, count: int) -> list[tuple[Any, ...]]:
    """The same trades as the table holds them."""
    rows = []
    for number in range(count):
        outcome = Outcome.model_validate(trade(bot, number))
        rows.append(
            (
                *(outcome.bot, outcome.trade_id, content_sha256(outcome), date(2018, 12, 3), outcome.outcome.value),
                *(outcome.net_pnl, json.dumps(outcome.features), outcome.sd_multiplier),
            )
        )
    return rows


async def by_executemany(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    await connection.executemany(INSERT, rows)


async def by_copy(connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table("ares_ml_outcomes", records=rows, columns=COLUMNS)


async def straight_into_the_table(url: str, way: str, write: Write, seconds: float) -> Measured:
    """As many connections as there are clients, each committing a hundred rows at a time."""
    size = MAX_OUTCOMES_PER_BATCH
    prepared = [stored_rows(bot_of(way, client), int(20_000 * seconds)) for client in range(CLIENTS)]
    connections = [await asyncpg.connect(url.replace("+asyncpg", "")) for _ in range(CLIENTS)]

    async def fill(connection: asyncpg.Connection, rows: list[tuple[Any, ...]]) -> int:
        for start in range(0, len(rows), size):
            if time.perf_counter() >= until:
                return start
            await write(connection, rows[start : start + size])
        return len(rows)

    began = time.perf_counter()
    until = began + seconds
    written = await asyncio.gather(*(fill(*pair) for pair in zip(connections, prepared, strict=True)))
    took = time.perf_counter() - began
    for connection in connections:
        await connection.close()
    return Measured(way, sum(written), took)


async def fetch_value(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def require_durability(url: str) -> None:
    for name in ("fsync", "synchronous_commit"):
        if asyncio.run(fetch_value(url, f"SHOW {name}")) != "on":
            raise SystemExit(f"{name} is off: these figures would not be of durable rows")


@contextmanager
def running() -> Iterator[AdvisorProcess]:
    """A service over a database of its own."""
    with tempfile.TemporaryDirectory(prefix="ares-throughput-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder)
        server.start()
        try:
            migrate_now(Settings(database_url=SecretStr(server.url())))
            service = AdvisorProcess("serve", server.url(), folder / "service").start()
            try:
                yield service
            finally:
                service.stop()
        finally:
            server.stop()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SECONDS
    with running() as service:
        url = service.database_url
        require_durability(url)
        through_the_service(service.port, "warm-up", MAX_OUTCOMES_PER_BATCH, 0.5)
        batches = through_the_service(service.port, "batches of 100", MAX_OUTCOMES_PER_BATCH, seconds)
        single = through_the_service(service.port, "single posts", 1, seconds)
        bare = asyncio.run(straight_into_the_table(url, "bare executemany", by_executemany, seconds))
        copy = asyncio.run(straight_into_the_table(url, "bare COPY", by_copy, seconds))
        print(f"{CLIENTS} clients, fsync and synchronous_commit on; durable outcomes a second:")
        for measured in (batches, single, bare, copy):
            counted = f"SELECT count(*) FROM ares_ml_outcomes WHERE bot LIKE '{measured.bots}'"
            stored = asyncio.run(fetch_value(url, counted))
            if stored != measured.rows:
                raise SystemExit(f"{measured.way}: {measured.rows} were acknowledged, {stored} are stored")
            print(f"  {measured.way:<18}{measured.rate:>8.0f}")
        print(f"ratio batches / single posts      {batches.rate / single.rate:.1f}")
        print(f"ratio batches / bare executemany  {batches.rate / bare.rate:.2f}")
        print(f"ratio batches / bare COPY         {batches.rate / copy.rate:.2f}")


if __name__ == "__main__":
    main()
