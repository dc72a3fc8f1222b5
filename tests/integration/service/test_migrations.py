"""Upgrades of databases that hold something: from every revision that there ever was, by one migrator or by two."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.queries import Queries
from sqlalchemy.exc import DBAPIError

import service.db.migrate
from scripts.check_migrations import check
from service.db.locks import Lock
from service.db.migrate import alembic_config, migrate
from tests.support import earlier_data
from tests.support.in_process import StartService
from tests.support.keys import BOOTSTRAP_KEY
from tests.support.load import ADVICE
from tests.support.processes import Databases, query, wait_until
from tests.support.settings import settings_of

SCRIPTS = ScriptDirectory.from_config(alembic_config())
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]
HEAD = SCRIPTS.get_current_head()
WAITING_FOR_AN_ADVISORY_LOCK = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

Held = dict[str, list[str]]


def on(url: str, work: Callable[[asyncpg.Connection[Any]], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def tables(url: str) -> set[str]:
    rows = query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows} - {"alembic_version"}


def revision_of(url: str) -> str | None:
    if not query(url, "SELECT 1 FROM pg_tables WHERE tablename = 'alembic_version'"):
        return None
    (row,) = query(url, "SELECT version_num FROM alembic_version")
    return str(row["version_num"])


def held(url: str, columns: dict[str, list[str]] | None = None) -> tuple[Held, dict[str, list[str]]]:
    """Every row of every table, by its columns: those named, or all there are."""
    if columns is None:
        columns = {}
        for name in tables(url):
            found = query(url, "SELECT column_name FROM information_schema.columns WHERE table_name = $1", name)
            columns[name] = sorted(row["column_name"] for row in found)
    rows = {name: query(url, f"SELECT {', '.join(wanted)} FROM {name}") for name, wanted in columns.items()}
    return {name: sorted(map(repr, found)) for name, found in rows.items()}, columns


def database_with_data(databases: Databases, revision: str, artefact: bytes) -> str:
    """A database at a revision, with rows in every table it had."""
    url = databases.make(template=None)
    asyncio.run(migrate(settings_of(url), revision))
    if revision not in earlier_data.ROWS:
        pytest.fail(f"no data of revision {revision}: add `of_{revision}` to tests/support/earlier_data.py")
    rows = earlier_data.ROWS[revision](artefact)
    lacking = tables(url) - rows.keys()
    assert not lacking, f"no rows for {sorted(lacking)} of revision {revision}: add them to earlier_data.py"
    on(url, lambda connection: earlier_data.insert(connection, rows))
    assert all(query(url, f"SELECT 1 FROM {name}") for name in tables(url))
    return url


@pytest.mark.parametrize("revision", REVISIONS)
def test_from_every_revision_the_data_stays_and_is_served(
    databases: Databases, start_service: StartService, artefact: bytes, revision: str
) -> None:
    url = database_with_data(databases, revision, artefact)
    before, columns = held(url)
    asyncio.run(migrate(settings_of(url)))
    assert revision_of(url) == HEAD
    assert held(url, columns)[0] == before
    asyncio.run(check(settings_of(url)))
    assert on(url, lambda connection: Queries(AsyncpgDriver(connection)).plan_upgrade()).statements == ()
    service = start_service(url, api_key=BOOTSTRAP_KEY)
    assert service.request("GET", "/readyz").json()["model_version"] == earlier_data.CHAMPION
    advice = service.request("POST", "/advice", ADVICE)
    assert (advice.status, advice.json()["model_version"]) == (200, earlier_data.CHAMPION)
    outcomes = service.request("GET", "/outcomes").json()["outcomes"]
    assert [(one["trade_id"], one["net_pnl"]) for one in outcomes] == [("t-2", -857.1234), ("t-1", -857.1234)]
    runs = {run["run_id"]: run["state"] for run in service.request("GET", "/retrain").json()}
    assert runs == {earlier_data.RUN: "promoted", earlier_data.ASKED_RUN: "queued"}
    assert {one["version"] for one in service.request("GET", "/models").json()} == {"1.0.0", "1.1.0"}
    assert service.request("GET", "/performance").status == 200
    trade = {"trade_id": "t-3", "trade_date": "2018-12-04", "outcome": "MAX_PROFIT", "net_pnl": 95.0}
    assert service.request("POST", "/outcomes", trade).status == 201
    if query(url, "SELECT 1 FROM api_keys"):
        headers = {"authorization": f"Bearer {earlier_data.TOKEN}"}
        assert service.plain_request("GET", "/models", headers=headers).status == 200


def test_logged_advice_learns_through_when_its_model_was_trained(databases: Databases, artefact: bytes) -> None:
    """0002 fills it from the stored manifest; what no stored model answered stays unknown."""
    url = database_with_data(databases, "0001", artefact)
    asyncio.run(migrate(settings_of(url)))
    rows = query(url, "SELECT advice_id::text, trained_through::text FROM advice_log")
    filled = {row["advice_id"]: row["trained_through"] for row in rows}
    assert filled == {earlier_data.ADVICE_ID: "2018-12-31", earlier_data.FORGOTTEN_ADVICE_ID: None}


@pytest.mark.parametrize("revision", [None, REVISIONS[0]], ids=["empty", "first"])
def test_two_migrators_at_once_both_end_well(databases: Databases, artefact: bytes, revision: str | None) -> None:
    url = databases.make(template=None) if revision is None else database_with_data(databases, revision, artefact)

    async def both() -> None:
        await asyncio.gather(*(migrate(settings_of(url)) for _ in range(2)))

    asyncio.run(both())
    assert revision_of(url) == HEAD
    before = held(url)
    asyncio.run(migrate(settings_of(url)))
    assert held(url) == before, "and there is nothing left to do"


def test_a_second_migrator_waits_longer_than_for_a_table(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    url = databases.make(template=None)
    monkeypatch.setattr(service.db.migrate, "LOCK_TIMEOUT", "0.1s")

    async def migrate_behind(connection: asyncpg.Connection[Any]) -> None:
        await connection.execute(f"SELECT pg_advisory_lock({Lock.MIGRATE.value})")
        migrating = asyncio.create_task(migrate(settings_of(url)))
        await asyncio.to_thread(wait_until, lambda: query(url, WAITING_FOR_AN_ADVISORY_LOCK))
        await asyncio.sleep(0.5)
        assert not migrating.done()
        await connection.execute(f"SELECT pg_advisory_unlock({Lock.MIGRATE.value})")
        await migrating

    on(url, migrate_behind)
    assert revision_of(url) == HEAD


FAILS_HALF_WAY = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("CREATE TABLE half_done (id int)")
    op.execute("UPDATE ares_ml_outcomes SET bot = 'renamed'")
    op.execute("SELECT 1 / 0")
"""


@pytest.mark.parametrize("start", [None, *REVISIONS], ids=["empty", *REVISIONS])
def test_a_migration_that_fails_half_way_leaves_everything_as_it_was(
    databases: Databases, artefact: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str | None
) -> None:
    url = databases.make(template=None) if start is None else database_with_data(databases, start, artefact)
    before = held(url)
    scripts = tmp_path / "migrations"
    shutil.copytree(SCRIPTS.dir, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "fails.py").write_text(FAILS_HALF_WAY.format(head=HEAD))

    def with_one_more() -> Config:
        config = alembic_config()
        config.set_main_option("script_location", str(scripts))
        return config

    with monkeypatch.context() as broken:
        broken.setattr(service.db.migrate, "alembic_config", with_one_more)
        with pytest.raises(DBAPIError, match="division by zero"):
            asyncio.run(migrate(settings_of(url)))
    assert revision_of(url) == start
    assert held(url) == before
    asyncio.run(migrate(settings_of(url)))
    assert revision_of(url) == HEAD


def test_a_table_in_use_stops_a_migration_soon_and_harmlessly(
    databases: Databases, artefact: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database_with_data(databases, REVISIONS[0], artefact)
    before = held(url)
    monkeypatch.setattr(service.db.migrate, "LOCK_TIMEOUT", "0.3s")

    async def migrate_beside(connection: asyncpg.Connection[Any]) -> None:
        async with connection.transaction():
            await connection.execute("LOCK TABLE advice_log IN ACCESS SHARE MODE")
            with pytest.raises(DBAPIError, match="lock timeout"):
                await migrate(settings_of(url))

    on(url, migrate_beside)
    assert revision_of(url) == REVISIONS[0]
    assert held(url) == before
