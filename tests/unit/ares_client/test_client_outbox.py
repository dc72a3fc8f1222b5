"""The outbox file: what is in it stays in it, whatever happens to the file."""

from __future__ import annotations

import logging
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ares_client._outbox import file as outbox_file
from ares_client._outbox.file import OutboxFile
from ares_client._outbox.outbox import Outbox
from ares_client._outbox.outcomes import PreparedOutcome
from ares_client._process.locks import FileLock
from ares_client._process.timing import SYSTEM_TIMING, Timing
from ares_client.errors import OutboxUnavailableError
from tests.support.client_support import HandClock

OpenOutbox = Callable[..., Outbox]


def a_trade(name: str, objection: str | None = None, size: int = 10) -> PreparedOutcome:
    return PreparedOutcome(name, f'{{"trade_id":"{name}","padding":"{"x" * size}"}}', objection)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "deeper" / "ares.sqlite3"


@pytest.fixture
def open_outbox(path: Path) -> Iterator[OpenOutbox]:
    made: list[Outbox] = []

    def make(timing: Timing = SYSTEM_TIMING) -> Outbox:
        made.append(Outbox(OutboxFile(path, timing), timing))
        return made[-1]

    yield make
    for outbox in made:
        outbox.file.close()


@pytest.fixture
def outbox(open_outbox: OpenOutbox) -> Outbox:
    return open_outbox()


def names(outbox: Outbox, state: str = "pending") -> list[str]:
    return [row.trade_id for row in outbox.rows() if row.state == state]


def test_reading_creates_nothing(outbox: Outbox, tmp_path: Path) -> None:
    assert outbox.rows() == outbox.due(10) == []
    assert outbox.counts().pending == 0
    assert list(tmp_path.iterdir()) == []


def test_a_trade_is_on_disk_when_add_returns(outbox: Outbox, path: Path) -> None:
    outbox.add(a_trade("a"))
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT trade_id FROM outcomes").fetchall() == [("a",)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert outbox.file.run(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (2,)


def test_trades_are_private(outbox: Outbox, path: Path) -> None:
    outbox.add(a_trade("a"))
    assert path.parent.stat().st_mode & 0o077 == 0


def test_trades_keep_their_order_and_the_same_one_is_kept_once(outbox: Outbox) -> None:
    for name in ("c", "a", "b", "a"):
        outbox.add(a_trade(name))
    assert names(outbox) == ["c", "a", "b"]
    assert [row.trade_id for row in outbox.due(2)] == ["c", "a"]


def test_the_same_name_with_another_content_is_another_trade(outbox: Outbox) -> None:
    outbox.add(PreparedOutcome("a", '{"net_pnl":1}', None))
    outbox.add(PreparedOutcome("a", '{"net_pnl":2}', None))
    assert names(outbox) == ["a", "a"]


def test_settling_deletes_what_was_taken_and_keeps_the_rest_with_the_reason(outbox: Outbox) -> None:
    for name in "abc":
        outbox.add(a_trade(name))
    first, second, _ = outbox.due(10)
    outbox.settle([first], [(second, "invalid: no")])
    assert names(outbox) == ["c"]
    assert [(row.trade_id, row.quarantined_because) for row in outbox.rows()] == [
        ("b", "invalid: no"),
        ("c", None),
    ]
    assert (outbox.counts().pending, outbox.counts().quarantined) == (1, 1)


def test_an_acknowledgement_deletes_that_content_only(outbox: Outbox) -> None:
    """A row number may be used again; what was acknowledged is the content."""
    outbox.add(a_trade("a"))
    first_number = outbox.file.run(row_numbers)
    sent = outbox.due(1)
    outbox.settle(sent)
    outbox.add(a_trade("b"))
    assert outbox.file.run(row_numbers) == first_number
    outbox.settle(sent)
    assert names(outbox) == ["b"]


def row_numbers(connection: sqlite3.Connection) -> list[tuple[int]]:
    return connection.execute("SELECT seq FROM outcomes").fetchall()


def test_what_was_prepared_with_an_objection_is_not_sent(outbox: Outbox) -> None:
    outbox.add(a_trade("a", objection="net_pnl: not a number"))
    assert outbox.due(10) == []
    assert names(outbox, "quarantined") == ["a"]


def test_quarantine_ends_by_request_or_by_recording_again(outbox: Outbox) -> None:
    for name in "ab":
        outbox.add(a_trade(name))
    outbox.settle([], [(row, "no") for row in outbox.due(10)])
    outbox.add(a_trade("a"))
    assert names(outbox) == ["a"]
    outbox.requeue(outbox.rows())
    assert names(outbox) == ["a", "b"]


def test_a_deferred_trade_lets_others_go_first(open_outbox: OpenOutbox, hand_clock: HandClock) -> None:
    outbox = open_outbox(hand_clock.timing)
    for name in "ab":
        outbox.add(a_trade(name))
    outbox.defer(outbox.due(1)[0], 300)
    assert [row.trade_id for row in outbox.due(10)] == ["b"]
    assert outbox.counts().pending == 2
    hand_clock.seconds += 300
    assert [row.trade_id for row in outbox.due(10)] == ["a", "b"]


def test_the_age_of_the_oldest(open_outbox: OpenOutbox, hand_clock: HandClock) -> None:
    outbox = open_outbox(hand_clock.timing)
    outbox.add(a_trade("a"))
    hand_clock.seconds += 60
    outbox.add(a_trade("b"))
    assert outbox.counts().oldest_pending_at == hand_clock.seconds - 60


def test_a_second_outbox_on_the_file_sees_the_same(open_outbox: OpenOutbox) -> None:
    open_outbox().add(a_trade("a"))
    assert names(open_outbox()) == ["a"]


def noise(size: int) -> bytes:
    """The same noise every time."""
    return random.Random(20181203).randbytes(size)


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


CORRUPTIONS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_bytes(b"this is no database" * 100),
    "noise": lambda path: path.write_bytes(noise(20_000)),
    "a broken header": lambda path: overwrite(path, 20, b"\xff" * 60),
    "a torn page": lambda path: overwrite(path, 4096 * 2, b"\xee" * 4096),
    "a cut-off end": lambda path: path.write_bytes(path.read_bytes()[: -4096 * 2]),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupt_file_is_set_aside_and_a_fresh_one_opened(
    open_outbox: OpenOutbox, path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = open_outbox()
    for number in range(50):
        before.add(a_trade(f"t{number}", size=500))
    before.file.close()
    CORRUPTIONS[name](path)
    damaged = path.read_bytes()

    after = open_outbox()
    with caplog.at_level(logging.ERROR):
        after.add(a_trade("new"))
    assert "new" in names(after)
    (aside,) = path.parent.glob("ares.sqlite3.corrupt-*Z")
    assert aside.read_bytes() == damaged
    assert str(aside) in caplog.text
    with closing(sqlite3.connect(path)) as fresh:
        assert fresh.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_can_still_be_read_is_saved_from_a_corrupt_file(open_outbox: OpenOutbox, path: Path) -> None:
    before = open_outbox()
    for number in range(50):
        before.add(a_trade(f"t{number}", size=500))
    before.file.close()
    overwrite(path, path.stat().st_size - 4096, b"\xee" * 4096)
    after = open_outbox()
    after.add(a_trade("new"))
    saved = names(after)
    assert saved[-1] == "new"
    assert 1 < len(saved) < 51
    assert saved[:-1] == [f"t{number}" for number in range(len(saved) - 1)]


def test_a_file_that_becomes_corrupt_in_use_is_set_aside_too(outbox: Outbox, path: Path) -> None:
    for number in range(50):
        outbox.add(a_trade(f"t{number}", size=500))
    outbox.file.run(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    path.write_bytes(noise(path.stat().st_size))
    outbox.add(a_trade("new"))
    assert "new" in names(outbox)


def test_a_trade_goes_to_the_new_file_when_the_old_one_was_moved_away(open_outbox: OpenOutbox, path: Path) -> None:
    """As another process does with a corrupt file: what is added afterwards must not land in the old one."""
    mine, others = open_outbox(), open_outbox()
    mine.add(a_trade("old"))
    for suffix in ("", "-wal", "-shm"):
        shutil.move(f"{path}{suffix}", f"{path}.aside{suffix}")
    mine.add(a_trade("new"))
    assert names(others) == ["new"]


def test_a_file_that_is_moved_away_in_the_middle_of_an_action_is_noticed(outbox: Outbox, path: Path) -> None:
    """Between the commit and the return: the trade would be acknowledged, and nobody would find it again."""
    outbox.add(a_trade("old"))
    moved: list[str] = []

    def add_and_lose_the_file(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO outcomes VALUES (NULL, x'00', 'new', '{}', 0, 0, NULL)")
        if not moved:
            moved.append(str(shutil.move(path, f"{path}.aside")))

    outbox.file.run(add_and_lose_the_file)
    assert names(outbox) == ["new"]


def test_a_folder_that_was_deleted_is_made_again(outbox: Outbox, path: Path) -> None:
    outbox.add(a_trade("a"))
    shutil.rmtree(path.parent)
    outbox.add(a_trade("b"))
    assert names(outbox) == ["b"]


def test_a_file_of_a_newer_client_is_left_alone(open_outbox: OpenOutbox, path: Path) -> None:
    outbox = open_outbox()
    outbox.add(a_trade("a"))
    outbox.file.run(lambda connection: connection.execute("PRAGMA user_version = 2"))
    outbox.file.close()
    with pytest.raises(OutboxUnavailableError, match="newer client"):
        open_outbox().add(a_trade("b"))
    assert list(path.parent.glob("*corrupt*")) == []


def test_a_file_that_another_process_keeps_locked_is_unavailable_in_bounded_time(
    open_outbox: OpenOutbox, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other never lets go: that there is an answer shows that the wait is bounded, by 2 s as the docs have it."""
    assert outbox_file.BUSY_SECONDS == 2.0
    monkeypatch.setattr(outbox_file, "BUSY_SECONDS", 0.1)
    outbox = open_outbox()
    outbox.add(a_trade("a"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutboxUnavailableError, match="locked"):
            outbox.add(a_trade("b"))
        other.execute("ROLLBACK")
    outbox.add(a_trade("b"))
    assert names(outbox) == ["a", "b"]


def test_a_lock_has_one_holder_and_comes_back(tmp_path: Path) -> None:
    lock, other = (FileLock(tmp_path / "lock", SYSTEM_TIMING) for _ in range(2))
    with lock.held() as first, other.held() as second:
        assert (first, second) == (True, False)
    with other.held(patience_seconds=0.1) as third:
        assert third
