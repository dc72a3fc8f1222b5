"""Postgres killed, frozen, locked and used up under load: advice goes on, nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from tests.support.in_process import StartService
from tests.support.load import ADVICE, MARGIN_SECONDS, Answer, ask, ask_at_once, assert_within, load_on, trades
from tests.support.metrics import metric
from tests.support.postgres import MortalPostgres, mortal_postgres
from tests.support.processes import PATIENT_SECONDS, AdvisorProcess, equip, query, wait_until
from tests.support.running_service import RunningService
from tests.support.silent_proxy import SilentProxy

REFUSED_WITHIN_SECONDS = 3.0
RECOVERED_WITHIN_SECONDS = 10.0
# A silent server costs one statement's time-out, 2.5 s, and not a second one for the rollback.
SILENCE_TOLD_WITHIN_SECONDS = 4.4
# No wait for a statement hides in an answer that needs no database.
ADVISED_WITHIN_SECONDS = 2.0
# Before a container is killed, which is 10 s after it was told to stop.
STOPPED_WITHIN_SECONDS = 8.0
LOG_CAPACITY = 50


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[MortalPostgres]:
    with mortal_postgres() as server:
        yield server


@pytest.fixture
def postgres(own_postgres: MortalPostgres) -> Iterator[MortalPostgres]:
    """Running before and after each test, whatever happens within."""
    own_postgres.start()
    yield own_postgres
    if own_postgres.is_running():
        own_postgres.thaw()


@pytest.fixture(scope="module")
def ready(
    own_postgres: MortalPostgres,
    artefact: bytes,
    sample_days: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[AdvisorProcess]:
    """A service with model and bars, and room for few answers in its log."""
    settings = {"ADVISOR_ADVICE_LOG_CAPACITY": str(LOG_CAPACITY)}
    service = AdvisorProcess("serve", own_postgres.url(), tmp_path_factory.mktemp("outages"), settings).start()
    equip(service, artefact, sample_days)
    yield service
    service.stop()


@pytest.fixture
def service(ready: AdvisorProcess, postgres: MortalPostgres) -> AdvisorProcess:
    wait_until(lambda: recorded(ready))
    return ready


def recorded(service: RunningService) -> bool:
    return ask(service, "POST", "/outcomes", next(trades(f"probe-{time.monotonic_ns()}"))).status == 201


def stored_trades(postgres: MortalPostgres) -> set[str]:
    return {row["trade_id"] for row in query(postgres.url(), "SELECT trade_id FROM ares_ml_outcomes")}


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def assert_refused(answers: list[Answer], within_seconds: float) -> None:
    """Every one a 503 that says when to come again, in time."""
    assert statuses(answers) == {503: len(answers)}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    assert all(answer.body["title"] == "Database unavailable" for answer in answers)
    assert_within(within_seconds, answers)


def assert_serving(answers: list[Answer]) -> None:
    """Advice was given all the time, and nobody waited for the database to get it."""
    assert answers
    assert statuses(answers) == {200: len(answers)}
    assert_within(ADVISED_WITHIN_SECONDS, answers)


def test_killed_under_load_advice_goes_on_and_no_acknowledged_outcome_is_lost(
    service: AdvisorProcess, postgres: MortalPostgres
) -> None:
    with load_on([service], advisers=2, reporters=2) as load:
        wait_until(lambda: len(load.acknowledged()) > 40)
        postgres.kill()
        killed_at = time.monotonic()
        wait_until(lambda: len(load.of("/outcomes", since=killed_at)) > 20)
        assert ask(service, "GET", "/livez").status == 200
        assert service.ready()
        wait_until(lambda: metric(service, "advisor_database_up") == 0)
        before_return = time.monotonic()
        postgres.start()
        returned_at = time.monotonic()
        wait_until(lambda: [a for a in load.of("/outcomes", since=returned_at) if a.status == 201])
        first = next(a for a in load.of("/outcomes", since=returned_at) if a.status == 201)
        wait_until(lambda: metric(service, "advisor_database_up") == 1)
        listening_at = time.monotonic()
        wait_until(lambda: len(load.of("/outcomes", since=listening_at)) > 20)
    while_away = [a for a in load.of("/outcomes", since=killed_at) if a.came_at < before_return]
    assert_refused(while_away, REFUSED_WITHIN_SECONDS)
    assert set(statuses(load.of("/outcomes"))) == {201, 503}
    assert_within(REFUSED_WITHIN_SECONDS, load.of("/outcomes"))
    assert_serving(load.of("/advice"))
    assert first.came_at - returned_at < RECOVERED_WITHIN_SECONDS + MARGIN_SECONDS
    assert listening_at - returned_at < RECOVERED_WITHIN_SECONDS + MARGIN_SECONDS
    assert statuses(load.of("/outcomes", since=listening_at))[503] == 0
    assert load.acknowledged() <= stored_trades(postgres)


def test_what_the_advice_log_cannot_keep_is_counted_and_delays_nobody(
    service: AdvisorProcess, postgres: MortalPostgres
) -> None:
    wait_until(lambda: metric(service, "advisor_advice_log_waiting") == 0)
    stored = "SELECT count(*) AS n FROM advice_log"
    stored_before = query(postgres.url(), stored)[0]["n"]
    lost_before = metric(service, "advisor_advice_log_lost")
    postgres.kill()
    asked = 2 * LOG_CAPACITY
    answers = [ask(service, "POST", "/advice", ADVICE) for _ in range(asked)]
    assert_serving(answers)
    assert metric(service, "advisor_advice_log_waiting") == LOG_CAPACITY
    assert metric(service, "advisor_advice_log_lost") - lost_before == asked - LOG_CAPACITY
    postgres.start()
    wait_until(lambda: metric(service, "advisor_advice_log_waiting") == 0)
    assert query(postgres.url(), stored)[0]["n"] - stored_before == LOG_CAPACITY
    kept = query(postgres.url(), "SELECT advice_id::text FROM advice_log ORDER BY answered_at DESC LIMIT $1", 50)
    assert {row["advice_id"] for row in kept} == {a.body["advice_id"] for a in answers[-LOG_CAPACITY:]}


def test_frozen_under_load_outcomes_are_refused_in_time_even_many_at_once(
    service: AdvisorProcess, postgres: MortalPostgres
) -> None:
    some = trades("frozen")
    with load_on([service], advisers=1, reporters=1) as load:
        wait_until(lambda: len(load.acknowledged()) > 10)
        postgres.freeze()
        one_by_one = [ask(service, "POST", "/outcomes", next(some)) for _ in range(3)]
        assert_refused(one_by_one, SILENCE_TOLD_WITHIN_SECONDS)
        assert_refused(ask_at_once(service, 20, "POST", "/outcomes", some), SILENCE_TOLD_WITHIN_SECONDS)
        assert ask(service, "GET", "/livez").status == 200
        assert service.ready()
        postgres.thaw()
        thawed_at = time.monotonic()
        wait_until(lambda: [a for a in load.of("/outcomes", since=thawed_at) if a.status == 201])
        recovered_at = time.monotonic()
    assert recovered_at - thawed_at < RECOVERED_WITHIN_SECONDS + MARGIN_SECONDS
    assert set(statuses(load.of("/outcomes"))) == {201, 503}
    assert_serving(load.of("/advice"))
    assert load.acknowledged() <= stored_trades(postgres)


def test_frozen_it_stops_and_starts_in_bounded_time_and_serves_from_disk(
    service: AdvisorProcess, postgres: MortalPostgres
) -> None:
    version = service.request("GET", "/readyz").json()["model_version"]
    ask_at_once(service, 20, "POST", "/outcomes", trades("before-the-freeze"))
    assert ask(service, "POST", "/advice", ADVICE).status == 200
    postgres.freeze()
    stopping_at = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - stopping_at < STOPPED_WITHIN_SECONDS + MARGIN_SECONDS
    service.start()
    answer = ask(service, "POST", "/advice", ADVICE)
    assert (answer.status, answer.body["model_version"]) == (200, version)
    postgres.thaw()
    wait_until(lambda: recorded(service))


@contextmanager
def locked(url: str, *tables: str) -> Iterator[None]:
    """Hold tables exclusively, as a careless migration would."""
    held, release = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
            held.set()
            await asyncio.to_thread(release.wait)
        await connection.close()

    holder = threading.Thread(target=asyncio.run, args=(hold(),))
    holder.start()
    try:
        assert held.wait(PATIENT_SECONDS)
        yield
    finally:
        release.set()
        holder.join()


def test_behind_a_lock_statements_time_out_the_pool_runs_dry_and_advice_is_given(
    service: AdvisorProcess, postgres: MortalPostgres
) -> None:
    with load_on([service]) as load:
        with locked(postgres.url(), "ares_ml_outcomes", "advice_log"):
            answers = ask_at_once(service, 20, "POST", "/outcomes", trades("locked"))
            assert_refused(answers, SILENCE_TOLD_WITHIN_SECONDS)
            waited = query(postgres.url(), "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            asked_at = time.monotonic()
            wait_until(lambda: len(load.of("/advice", since=asked_at)) > 5)
        wait_until(lambda: recorded(service))
    # Five connections, of which the advice log may hold one: they waited for the lock, the others for them.
    patience = [a.seconds for a in answers]
    assert max(patience) - min(patience) > 0.4
    assert len(waited) <= 1, "a statement that was given up goes on waiting in Postgres"
    assert_serving(load.of("/advice"))
    assert not {trade_id for trade_id in stored_trades(postgres) if trade_id.startswith("locked-")}


@pytest.mark.usefixtures("ready")
def test_a_start_before_postgres_finds_it_by_itself(start_service: StartService, postgres: MortalPostgres) -> None:
    url = postgres.url()
    postgres.kill()
    early = start_service(url)
    assert ask(early, "POST", "/outcomes", next(trades("early"))).status == 503
    postgres.start()
    returned_at = time.monotonic()
    wait_until(lambda: recorded(early) and early.ready())
    assert time.monotonic() - returned_at < RECOVERED_WITHIN_SECONDS + MARGIN_SECONDS


def test_a_connection_that_fell_silent_is_noticed_and_the_service_listens_again(
    start_service: StartService, postgres: MortalPostgres
) -> None:
    with SilentProxy(postgres.url()).running() as proxy:
        replica = start_service(proxy.url, poll_seconds=1)
        wait_until(lambda: recorded(replica) and proxy.listeners >= 1)
        listened_before = proxy.listeners
        proxy.silence()
        wait_until(lambda: proxy.listeners > listened_before)
        wait_until(lambda: recorded(replica))
        assert replica.stop() == 0
