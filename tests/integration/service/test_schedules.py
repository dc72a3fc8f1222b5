"""What is done by the clock: once however many workers there are, off unless set, and harmless when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from kronos.market.fetch import last_settled_session
from kronos.market.sessions import as_date, exchange_sessions
from tests.support.fetch_server import Bars, FetchServer, Reply, spx_bars, spx_chart, vix_bars, vix_file
from tests.support.load import trades
from tests.support.processes import AdvisorProcess, Databases, StartProcess, query, wait_until

RETRAIN, REFRESH = "retrain_on_schedule", "refresh_market_days"
WEEKLY, DAILY = "0 3 * * 6", "0 2,12 * * *"

StartWorkers = Callable[..., list[AdvisorProcess]]


@pytest.fixture
def start_workers(database_url: str, tmp_path: Path) -> Iterator[StartWorkers]:
    """Starts two workers at the same time."""
    started: list[AdvisorProcess] = []

    def start(**settings: str) -> list[AdvisorProcess]:
        workers = [AdvisorProcess("worker", database_url, tmp_path, settings) for _ in range(2)]
        started.extend(workers)
        with ThreadPoolExecutor(2) as starting:
            list(starting.map(AdvisorProcess.start, workers))
        return workers

    yield start
    for worker in started:
        worker.stop()


def fell_due(database_url: str, entrypoint: str, expression: str) -> None:
    """As after a night in which no worker ran: the schedule's time has passed."""
    query(
        database_url,
        "INSERT INTO pgqueuer_schedules (expression, entrypoint, next_run) VALUES ($1, $2, now() - interval '1 hour') "
        "ON CONFLICT (expression, entrypoint) DO UPDATE SET next_run = excluded.next_run, last_run = NULL",
        expression,
        entrypoint,
    )


def was_done(database_url: str, entrypoint: str) -> bool:
    rows = query(
        database_url,
        "SELECT 1 FROM pgqueuer_schedules "
        "WHERE entrypoint = $1 AND status = 'queued' AND last_run IS NOT NULL AND next_run > now()",
        entrypoint,
    )
    return bool(rows)


def said(workers: list[AdvisorProcess], event: str) -> int:
    return sum(worker.log.count(f'"{event}"') for worker in workers)


def runs(database_url: str) -> list[tuple[str, int]]:
    rows = query(database_url, "SELECT requested_by, new_outcomes FROM retrain_runs")
    return [tuple(row) for row in rows]


def report(service: AdvisorProcess, count: int) -> None:
    outcomes = trades("scheduled")
    for _ in range(count):
        service.request("POST", "/outcomes", next(outcomes))


def test_a_due_retraining_is_asked_for_once_by_two_workers(
    ready_service: AdvisorProcess, start_workers: StartWorkers, database_url: str
) -> None:
    report(ready_service, 3)
    fell_due(database_url, RETRAIN, WEEKLY)
    workers = start_workers(ADVISOR_RETRAIN_CRON=WEEKLY, ADVISOR_RETRAIN_MIN_NEW_OUTCOMES="3")
    wait_until(lambda: was_done(database_url, RETRAIN))
    wait_until(lambda: said(workers, "scheduled_retrain_asked_for"))
    assert runs(database_url) == [("schedule", 3)]
    assert said(workers, "scheduled_retrain_asked_for") == 1
    shown = ready_service.request("GET", "/retrain").json()
    assert [run["requested_by"] for run in shown] == ["schedule"]


def test_with_too_few_outcomes_or_no_model_none_is_asked_for(
    service: AdvisorProcess, start_workers: StartWorkers, database_url: str, artefact: bytes
) -> None:
    settings = {"ADVISOR_RETRAIN_CRON": WEEKLY, "ADVISOR_RETRAIN_MIN_NEW_OUTCOMES": "3"}
    report(service, 2)
    fell_due(database_url, RETRAIN, WEEKLY)
    workers = start_workers(**settings)
    wait_until(lambda: said(workers, "scheduled_retrain_not_needed"))
    report(service, 3)
    for worker in workers:
        worker.stop()
    fell_due(database_url, RETRAIN, WEEKLY)
    workers = start_workers(**settings)
    wait_until(lambda: said(workers, "scheduled_retrain_impossible"))
    wait_until(lambda: was_done(database_url, RETRAIN))
    assert said(workers, "scheduled_retrain_impossible") == 1
    assert runs(database_url) == []


def test_nothing_is_scheduled_unless_it_is_set(
    start_workers: StartWorkers, databases: Databases, database_url: str
) -> None:
    """Not even what is due, from a time when it was set."""
    fell_due(database_url, RETRAIN, WEEKLY)
    before = query(database_url, "SELECT * FROM pgqueuer_schedules")
    workers = start_workers()
    time.sleep(1.5)  # more than one round of the scheduler
    for worker in workers:
        assert worker.stop() == 0
    assert query(database_url, "SELECT * FROM pgqueuer_schedules") == before
    assert said(workers, "scheduled_retrain_impossible") == 0


@pytest.fixture
def sources() -> Iterator[FetchServer]:
    with FetchServer().running() as server:
        yield server


@pytest.fixture
def recent() -> list[date]:
    """The sessions of the last weeks, up to the last that has settled."""
    last = last_settled_session(datetime.now(UTC))
    return [as_date(day) for day in exchange_sessions().between(last - timedelta(days=60), last)]


def put(service: AdvisorProcess, days: list[date], spx: Bars, vix: Bars) -> None:
    columns = ("open", "high", "low", "close")
    bars = [
        {"date": str(day)}
        | {f"spx_{name}": price for name, price in zip(columns, spx[day], strict=True)}
        | {f"vix_{name}": price for name, price in zip(columns, vix[day], strict=True)}
        for day in days
    ]
    assert service.request("PUT", "/market-days", {"days": bars}).status == 200


def test_fresh_bars_land_once_and_replicas_hear_of_them_and_a_source_that_is_down_changes_nothing(
    start_process: StartProcess,
    start_workers: StartWorkers,
    database_url: str,
    sources: FetchServer,
    recent: list[date],
    artefact: bytes,
) -> None:
    replica = start_process("serve", database_url, ADVISOR_POLL_SECONDS="60")
    replica.request("POST", "/models", body=artefact)
    spx, vix = spx_bars(recent), vix_bars(recent)
    known, fresh = recent[:-5], recent[-5:]
    put(replica, known, spx, vix)
    wait_until(replica.ready)
    bars = "SELECT session, spx_close, vix_close, updated_at FROM market_days ORDER BY session"
    before = query(database_url, bars)
    urls = {
        "ADVISOR_VIX_URL": sources.serve("/vix.csv", Reply(status=404)),
        "ADVISOR_SPX_URL": sources.serve("/spx", spx_chart(spx)),
        "ADVISOR_MARKET_REFRESH_CRON": DAILY,
    }
    fell_due(database_url, REFRESH, DAILY)
    workers = start_workers(**urls)
    wait_until(lambda: said(workers, "market_days_not_refreshed"))
    wait_until(lambda: was_done(database_url, REFRESH))
    assert query(database_url, bars) == before
    assert all(worker.stop() == 0 for worker in workers)

    sources.serve("/vix.csv", Reply(vix_file(vix)))
    asked_before = len(sources.queries["/vix.csv"])
    fell_due(database_url, REFRESH, DAILY)
    workers = start_workers(**urls)
    wait_until(lambda: replica.request("GET", "/readyz").json()["market_days_through"] == str(recent[-1]), 30)
    wait_until(lambda: was_done(database_url, REFRESH))
    assert said(workers, "market_days_refreshed") == 1
    assert len(sources.queries["/vix.csv"]) - asked_before == 1
    after = query(database_url, bars)
    assert after[: len(before)] == before
    assert [row["session"] for row in after[len(before) :]] == fresh
    assert [row["vix_close"] for row in after[len(before) :]] == [vix[day][3] for day in fresh]
    assert [row["spx_close"] for row in after[len(before) :]] == pytest.approx([spx[day][3] for day in fresh], abs=0.01)
