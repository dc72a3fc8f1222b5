"""`kronos fetch` as a user types it, against a local server and a real service."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from kronos.cli import main
from kronos.market.csv_file import read_market_csv
from tests.support.fetch_server import (
    FIRST,
    HOLIDAYS,
    SESSIONS,
    FetchServer,
    Reply,
    spx_bars,
    spx_chart,
    spy_bars,
    vix_bars,
    vix_file,
    without,
)
from tests.support.processes import AdvisorProcess

EVENING = datetime(2025, 6, 30, 21, tzinfo=UTC)


def kronos(*arguments: str | Path | date) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", *map(str, arguments)])
    return int(ended.value.code or 0)


@pytest.fixture
def good(server: FetchServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that name sources which have every session, and holidays too; it is the evening of their last."""
    monkeypatch.setattr("kronos.commands.fetch.system_clock", lambda: EVENING)
    vix = server.serve("/VIX_History.csv", Reply(vix_file(vix_bars(sorted([*SESSIONS, *HOLIDAYS])))))
    spx = server.serve("/chart", spx_chart(spx_bars(SESSIONS)))
    spy = server.serve("/SPY", spx_chart(spy_bars(SESSIONS), adjusted=0.5))
    files = {name: server.serve(f"/{name}.csv", Reply(vix_file(vix_bars(SESSIONS)))) for name in ("vix9d", "vix3m")}
    others = [part for name, url in files.items() for part in (f"--{name}-url", url)]
    gone = server.serve("/gone", Reply(status=404))
    return ["--vix-url", vix, "--spx-url", spx, "--spy-url", spy, *others, "--vix1d-url", gone]


def test_the_command_makes_and_extends_a_file(
    good: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "market.csv"
    assert kronos("--out", out, "--start", "2022-01-01", "--end", "2022-12-30", *good) == 0
    first = capsys.readouterr().out
    assert f"wrote {out}: 251 sessions, 2022-01-03 to 2022-12-30, 251 of them new" in first
    assert "VIX: dropped 9 rows of days without a session: 2022-01-17, 2022-02-21" in first
    rows = out.read_text().splitlines()
    vix = "18.25,19.5,17.75"
    assert rows[1].startswith(f"2022-01-03,4000.11,4020.37,3981.58,4004.83,18.0,{vix},200.05")
    assert rows[1].endswith(f",{vix},18.0,{vix},18.0,,,,")
    assert "left out VIX1D: VIX1D from http://127.0.0.1" in first
    assert kronos("--out", out, "--end", "2025-06-30", *good) == 0
    assert f"{len(SESSIONS) - 251} of them new" in capsys.readouterr().out
    assert out.read_text().splitlines()[: len(rows)] == rows
    assert read_market_csv(out).sessions.tolist() == SESSIONS
    written = out.stat().st_mtime_ns
    assert kronos("--out", out, "--end", "2025-06-30", *good) == 0
    assert f"{out} is as it was" in capsys.readouterr().out
    assert out.stat().st_mtime_ns == written


def test_the_command_says_what_is_lacking_and_restated(
    good: list[str], server: FetchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "market.csv"
    assert kronos("--out", out, "--start", "2025-01-01", "--end", "2025-06-20", *good) == 0
    changed = spx_bars(SESSIONS) | {date(2025, 6, 18): (4870.0, 4890.0, 4850.0, 4880.0)}
    server.serve("/chart", spx_chart(without(changed, date(2025, 6, 24))))
    capsys.readouterr()
    assert kronos("--out", out, "--end", "2025-06-30", *good) == 0
    said = capsys.readouterr().out
    assert "SPX: no bar on 1 sessions, which are left out: 2025-06-24" in said
    assert "restated: 2025-06-18 spx_close" in said
    assert "is now 4880.00 (kept; --refresh replaces it)" in said


def test_the_command_names_what_no_source_has_and_leaves_the_file(
    good: list[str], server: FetchServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, hole = tmp_path / "market.csv", date(2025, 3, 3)
    server.serve("/SPY", spx_chart(without(spy_bars(SESSIONS), hole), adjusted=0.5))
    assert kronos("--out", out, "--start", "2025-01-01", *good) == 0
    before = out.read_bytes()
    capsys.readouterr()
    assert kronos("--out", out, *good) == 0
    said = capsys.readouterr().out
    assert f"{out} is as it was: 122 sessions, 2025-01-02 to 2025-06-30, 0 of them new" in said
    assert f"SPY: no bar on 1 sessions: {hole}" in said
    assert out.read_bytes() == before


def test_the_command_takes_a_csv_of_ones_own(good: list[str], tmp_path: Path) -> None:
    mine, out = tmp_path / "spx.csv", tmp_path / "market.csv"
    rows = [f"{day},4000,4010,3990,4005" for day in SESSIONS[:20]]
    mine.write_text("\n".join(["date,open,high,low,close", *rows]))
    assert kronos("--out", out, "--start", FIRST, "--end", SESSIONS[19], *good[:2], *good[4:], "--spx-csv", mine) == 0
    assert read_market_csv(out).spx_close.tolist() == [4005.0] * 20


FAILING_COMMANDS = {
    "404": ([], "VIX from http://127.0.0.1"),
    "both kinds of SPX": (["--spx-csv", "x.csv"], "--spx-url and --spx-csv cannot be used together"),
    "bad date": (["--start", "yesterday"], "--start 'yesterday' is not a date like 2018-12-31"),
    "future": (["--start", "2030-12-30"], "has settled"),
}


@pytest.mark.parametrize(("options", "reason"), FAILING_COMMANDS.values(), ids=FAILING_COMMANDS)
def test_a_failing_command_is_one_line_and_leaves_the_file(
    good: list[str],
    server: FetchServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    reason: str,
) -> None:
    out = tmp_path / "market.csv"
    assert kronos("--out", out, "--start", "2022-01-01", "--end", "2022-12-30", *good) == 0
    before = out.read_bytes()
    server.serve("/VIX_History.csv", Reply(status=404))
    capsys.readouterr()
    assert kronos("--out", out, *good, *options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.strip().splitlines()
    assert line.startswith("kronos: ")
    assert reason in line
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


def test_the_command_pushes_to_a_service(
    good: list[str], service: AdvisorProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "market.csv"
    assert kronos("--out", out, "--start", "2025-01-01", "--end", "2025-06-30", "--push", service.url, *good) == 0
    sessions = len(read_market_csv(out))
    assert (
        f"pushed to {service.url}: the service holds {sessions} market days through 2025-06-30"
        in capsys.readouterr().out
    )


def test_a_service_that_is_away_is_one_line_and_the_file_is_there(
    good: list[str], nobody: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "market.csv"
    assert kronos("--out", out, "--start", "2025-01-01", "--end", "2025-06-30", "--push", nobody, *good) == 2
    assert capsys.readouterr().err.strip().startswith(f"kronos: {nobody}: ")
    assert read_market_csv(out).has_bar.all()
