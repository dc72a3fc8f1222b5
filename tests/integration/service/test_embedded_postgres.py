"""The embedded PostgreSQL: found again, recovered, and gentle with permissions."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.db.embedded import EmbeddedPostgres
from service.errors import EmbeddedPostgresError
from tests.support.processes import query, traversable_temporary_folder, wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    made = traversable_temporary_folder("ares-embedded-")
    yield made
    server = EmbeddedPostgres(made)
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)
    shutil.rmtree(made, ignore_errors=True)


def test_it_starts_stops_and_keeps_its_data(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    query(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    assert not server.is_running()
    server.start()
    assert query(server.url(), "SELECT answer FROM kept")[0]["answer"] == 42


def test_a_running_server_is_found_again(folder: Path) -> None:
    first, second = EmbeddedPostgres(folder), EmbeddedPostgres(folder)
    first.start()
    second.start()
    assert second.postmaster_pid() == first.postmaster_pid()


def test_after_kill_9_it_recovers(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    query(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(server.postmaster_pid(), signal.SIGKILL)
    wait_until(lambda: not server.is_running())
    server.start()
    assert query(server.url(), "SELECT answer FROM kept")[0]["answer"] == 42


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_is_no_database_any_more_is_refused_and_left_as_it_is(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    query(server.url(), "CREATE TABLE kept AS SELECT 42 AS answer")
    server.stop()
    data = server.folder / "data"
    version = (data / "PG_VERSION").read_text()
    (data / "PG_VERSION").unlink()
    before = contents(data)
    with pytest.raises(EmbeddedPostgresError, match=r"PG_VERSION is missing. Nothing was changed. Put the file back"):
        server.start()
    assert contents(data) == before
    (data / "PG_VERSION").write_text(version)
    server.start()
    assert query(server.url(), "SELECT answer FROM kept")[0]["answer"] == 42


@pytest.mark.parametrize("foreign", ["notes.txt", "pg_wal/000000010000000000000001"])
def test_somebody_elses_folder_is_never_initialised(folder: Path, foreign: str) -> None:
    server = EmbeddedPostgres(folder)
    kept = server.folder / "data" / foreign
    kept.parent.mkdir(parents=True)
    kept.write_text("not ours")
    with pytest.raises(EmbeddedPostgresError, match="not empty"):
        server.start()
    assert contents(server.folder / "data") == {foreign: b"not ours"}


@pytest.mark.parametrize("version", ["17", "19", "not a version"])
def test_a_database_of_another_version_is_refused_with_the_remedy(folder: Path, version: str) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    server.stop()
    stated = server.folder / "data" / "PG_VERSION"
    ours = stated.read_text()
    stated.write_text(f"{version}\n")
    before = contents(server.folder / "data")
    with pytest.raises(EmbeddedPostgresError, match=rf"PostgreSQL {version}.*pg_upgrade"):
        server.start()
    assert contents(server.folder / "data") == before
    stated.write_text(ours)
    server.start()


def test_a_start_that_was_killed_leaves_nothing_in_the_way(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    (server.folder / "unfinished-before").mkdir(parents=True)
    (server.folder / "unfinished-before" / "half").write_text("made")
    server.start()
    assert query(server.url(), "SELECT 1 AS one")[0]["one"] == 1
    assert (server.folder / "unfinished-before" / "half").read_text() == "made"


def test_a_path_too_long_for_a_socket_works(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    server = EmbeddedPostgres(deep)
    server.start()
    try:
        assert query(server.url(), "SELECT 1 AS one")[0]["one"] == 1
    finally:
        server.stop()


def test_only_its_owner_may_enter_its_data(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    assert stat.S_IMODE((server.folder / "data").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give way to another user")
def test_as_root_no_permission_of_a_closed_parent_is_opened(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data")
    server.start()
    try:
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert not server.folder.is_relative_to(closed)
    finally:
        server.stop()
        shutil.rmtree(server.folder)


def test_what_postgres_says_is_passed_on(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    server.stop()
    (server.folder / "data" / "postgresql.auto.conf").write_text("shared_buffers = 'nonsense'\n")
    with pytest.raises(EmbeddedPostgresError, match="pg_ctl failed in"):
        server.start()
    (server.folder / "data" / "postgresql.auto.conf").write_text("")
