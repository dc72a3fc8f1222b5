"""What is done by the clock: once however many workers there are, off unless set, and harmless when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from kronos.market.fetch import last_settled_session
from kronos.market.sessions import as_date, exchange_sessions
from tests.support.fetch_server import Bars, FetchServer, Reply, spx_bars, spx_chart, vix_bars, vix_file
from tests.support.in_process import InProcessWorker, StartService, StartWorker, fixed_day_clock
from tests.support.load import trades
from tests.support.processes import query, wait_until
from tests.support.running_service import RunningService

RETRAIN, REFRESH = "retrain_on_schedule", "refresh_market_days"
WEEKLY, DAILY = "0 3 * * 6", "0 2,12 * * *"

StartWorkers = Callable[..., list[InProcessWorker]]


@pytest.fixture
def start_workers(start_worker: StartWorker) -> StartWorkers:
    """Starts two workers at the same time."""

    def start(database_url: str, **settings: Any) -> list[InProcessWorker]:
        with ThreadPoolExecutor(2) as starting:
            return list(starting.map(lambda _: start_worker(database_url, **settings), range(2)))

    return start


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


def said(workers: list[InProcessWorker], event: str) -> int:
    return sum(worker.log.count(f'"{event}"') for worker in workers)


def runs(database_url: str) -> list[tuple[str, int]]:
    rows = query(database_url, "SELECT requested_by, new_outcomes FROM retrain_runs")
    return [tuple(row) for row in rows]


def report(service: RunningService, count: int) -> None:
    outcomes = trades("scheduled")
    for _ in range(count):
        service.request("POST", "/outcomes", next(outcomes))


def test_a_due_retraining_is_asked_for_once_by_two_workers(
    ready_service: RunningService, start_workers: StartWorkers
) -> None:
    database_url = ready_service.database_url
    report(ready_service, 3)
    fell_due(database_url, RETRAIN, WEEKLY)
    workers = start_workers(database_url, retrain_cron=WEEKLY, retrain_min_new_outcomes=3)
    wait_until(lambda: was_done(database_url, RETRAIN))
    wait_until(lambda: said(workers, "scheduled_retrain_asked_for"))
    assert runs(database_url) == [("schedule", 3)]
    assert said(workers, "scheduled_retrain_asked_for") == 1
    shown = ready_service.request("GET", "/retrain").json()
    assert [run["requested_by"] for run in shown] == ["schedule"]


def test_with_too_few_outcomes_or_no_model_none_is_asked_for(
    service: RunningService, start_workers: StartWorkers, database_url: str
) -> None:
    settings: dict[str, Any] = {"retrain_cron": WEEKLY, "retrain_min_new_outcomes": 3}
    report(service, 2)
    fell_due(database_url, RETRAIN, WEEKLY)
    workers = start_workers(database_url, **settings)
    wait_until(lambda: said(workers, "scheduled_retrain_not_needed"))
    report(service, 3)
    for worker in workers:
        worker.stop()
    fell_due(database_url, RETRAIN, WEEKLY)
    workers = start_workers(database_url, **settings)
    wait_until(lambda: said(workers, "scheduled_retrain_impossible"))
    wait_until(lambda: was_done(database_url, RETRAIN))
    assert said(workers, "scheduled_retrain_impossible") == 1
    assert runs(database_url) == []


@pytest.mark.parametrize("another_is_set", [False, True])
def test_nothing_is_scheduled_unless_it_is_set(
    start_workers: StartWorkers, database_url: str, sources: FetchServer, another_is_set: bool
) -> None:
    """Not even what is due, from a time when it was set; one that is set shows that the scheduler has been round."""
    fell_due(database_url, RETRAIN, WEEKLY)
    of_the_retraining = f"SELECT * FROM pgqueuer_schedules WHERE entrypoint = '{RETRAIN}'"
    before = query(database_url, of_the_retraining)
    another: dict[str, str] = {}
    if another_is_set:
        fell_due(database_url, REFRESH, DAILY)
        nowhere = sources.serve("/gone", Reply(status=404))
        another = {"vix_url": nowhere, "spx_url": nowhere, "market_refresh_cron": DAILY}
    workers = start_workers(database_url, **another)
    if another_is_set:
        wait_until(lambda: was_done(database_url, REFRESH))
    for worker in workers:
        worker.stop()
    assert query(database_url, of_the_retraining) == before
    assert said(workers, "scheduled_retrain_impossible") == 0


@pytest.fixture
def sources() -> Iterator[FetchServer]:
    with FetchServer().running() as server:
        yield server


@pytest.fixture
def recent() -> list[date]:
    """The sessions of the last weeks, up to the last that has settled."""
    last = last_settled_session(fixed_day_clock())
    return [as_date(day) for day in exchange_sessions().between(last - timedelta(days=60), last)]


def put(service: RunningService, days: list[date], spx: Bars, vix: Bars) -> None:
    columns = ("open", "high", "low", "close")
    bars = [
        {"date": str(day)}
        | {f"spx_{name}": price for name, price in zip(columns, spx[day], strict=True)}
        | {f"vix_{name}": price for name, price in zip(columns, vix[day], strict=True)}
        for day in days
    ]
    assert service.request("PUT", "/market-days", {"days": bars}).status == 200


def test_fresh_bars_land_once_and_replicas_hear_of_them_and_a_source_that_is_down_changes_nothing(
    start_service: StartService,
    start_workers: StartWorkers,
    database_url: str,
    sources: FetchServer,
    recent: list[date],
    artefact: bytes,
) -> None:
    replica = start_service(database_url, poll_seconds=3_600)
    replica.request("POST", "/models", body=artefact)
    spx, vix = spx_bars(recent), vix_bars(recent)
    known, fresh = recent[:-5], recent[-5:]
    put(replica, known, spx, vix)
    wait_until(replica.ready)
    bars = "SELECT session, spx_close, vix_close, updated_at FROM market_days ORDER BY session"
    before = query(database_url, bars)
    urls = {
        "vix_url": sources.serve("/vix.csv", Reply(status=404)),
        "spx_url": sources.serve("/spx", spx_chart(spx)),
        "market_refresh_cron": DAILY,
    }
    fell_due(database_url, REFRESH, DAILY)
    workers = start_workers(database_url, **urls)
    wait_until(lambda: said(workers, "market_days_not_refreshed"))
    wait_until(lambda: was_done(database_url, REFRESH))
    assert query(database_url, bars) == before
    for worker in workers:
        worker.stop()

    sources.serve("/vix.csv", Reply(vix_file(vix)))
    asked_before = len(sources.queries["/vix.csv"])
    fell_due(database_url, REFRESH, DAILY)
    workers = start_workers(database_url, **urls)
    wait_until(lambda: replica.request("GET", "/readyz").json()["market_days_through"] == str(recent[-1]))
    wait_until(lambda: was_done(database_url, REFRESH))
    assert said(workers, "market_days_refreshed") == 1
    assert len(sources.queries["/vix.csv"]) - asked_before == 1
    after = query(database_url, bars)
    assert after[: len(before)] == before
    assert [row["session"] for row in after[len(before) :]] == fresh
    assert [row["vix_close"] for row in after[len(before) :]] == [vix[day][3] for day in fresh]
    assert [row["spx_close"] for row in after[len(before) :]] == pytest.approx([spx[day][3] for day in fresh], abs=0.01)
