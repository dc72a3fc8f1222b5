"""`advisor-outbox`: what an operator sees and can do without a service."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from ares_client import ClientSettings
from ares_client._outbox.file import OutboxFile
from ares_client._outbox.outbox import Outbox
from ares_client._outbox.outcomes import prepare_outcome
from ares_client._process.timing import SYSTEM_TIMING
from ares_client.outbox_cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An outbox with a trade that waits and one in quarantine."""
    monkeypatch.setenv("ARES_ADVISOR_OUTBOX", str(tmp_path))
    with closing(OutboxFile(ClientSettings(outbox=tmp_path).outbox_file, SYSTEM_TIMING)) as file:
        outbox = Outbox(file, SYSTEM_TIMING)
        for trade_id, net_pnl in [("good", 142.5), ("bad", float("nan"))]:
            prepared = prepare_outcome(
                "ares",
                trade_date="2024-01-02",
                features={"vix": 17.4},
                outcome="MAX_PROFIT",
                net_pnl=net_pnl,
                trade_id=trade_id,
                details={},
            )
            outbox.add(prepared)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    status = main(arguments)
    return status, capsys.readouterr().out.splitlines()


def test_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, (good, bad, summary) = run(capsys, "list")
    assert status == 0
    assert good.split()[1:] == ["pending", "good"]
    assert bad.split()[1:3] == ["quarantined", "bad"]
    assert "net_pnl" in bad
    assert summary == f"1 pending, 1 quarantined in {folder / 'ares.sqlite3'}"


@pytest.mark.usefixtures("folder")
def test_list_one_state(capsys: pytest.CaptureFixture[str]) -> None:
    assert [line.split()[2] for line in run(capsys, "list", "--quarantined")[1][:-1]] == ["bad"]
    assert [line.split()[2] for line in run(capsys, "list", "--pending")[1][:-1]] == ["good"]


@pytest.mark.usefixtures("folder")
def test_export(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, lines = run(capsys, "export")
    assert status == 0
    good, bad = map(json.loads, lines)
    assert (good["state"], good["outcome"]["net_pnl"], good["reason"]) == ("pending", 142.5, None)
    assert (bad["state"], bad["outcome"]["net_pnl"]) == ("quarantined", "NaN")
    file = tmp_path / "trades.jsonl"
    assert run(capsys, "export", "--quarantined", str(file)) == (0, [])
    assert json.loads(file.read_text()) == bad


@pytest.mark.usefixtures("folder")
def test_discard_shows_what_it_removes_and_only_takes_what_is_in_quarantine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, (line,) = run(capsys, "discard", "bad")
    assert status == 0
    assert json.loads(line)["outcome"]["trade_id"] == "bad"
    assert run(capsys, "list")[1][-1].startswith("1 pending, 0 quarantined")
    assert main(["discard", "good"]) == 2
    assert "not in quarantine: good" in capsys.readouterr().err
    assert run(capsys, "list")[1][-1].startswith("1 pending")


def test_an_outbox_that_is_not_there_is_empty_and_is_not_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, lines = run(capsys, "--outbox", str(tmp_path / "none"), "--bot", "other", "list")
    assert status == 0
    assert lines == [f"0 pending, 0 quarantined in {tmp_path / 'none' / 'other.sqlite3'}"]
    assert not (tmp_path / "none").exists()


def test_an_outbox_that_cannot_be_used_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "ares.sqlite3").mkdir()
    assert main(["--outbox", str(tmp_path), "list"]) == 2
    assert "advisor-outbox: " in capsys.readouterr().err


def test_a_wrong_setting_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARES_ADVISOR_URL", "nonsense")
    assert main(["--outbox", str(tmp_path), "list"]) == 2
    assert "ARES_ADVISOR_URL" in capsys.readouterr().err
