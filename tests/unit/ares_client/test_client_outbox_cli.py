"""`advisor-outbox`: what an operator sees and can do."""

from __future__ import annotations

import json

import pytest

from ares_client import Advisor, ClientSettings
from ares_client.outbox_cli import main

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An outbox with a trade that waits and one in quarantine."""
    monkeypatch.setenv("ARES_ADVISOR_URL", NOWHERE)
    monkeypatch.setenv("ARES_ADVISOR_OUTBOX", str(tmp_path))
    with Advisor(ClientSettings(url=NOWHERE, outbox=tmp_path)) as advisor:
        trade = {"trade_date": "2024-01-02", "features": {"vix": 17.4}, "outcome": "MAX_PROFIT"}
        advisor.record_outcome(**trade, net_pnl=142.5, trade_id="good")
        advisor.record_outcome(**trade, net_pnl=float("nan"), trade_id="bad")
    return tmp_path


def run(capsys, *arguments: str) -> tuple[int, list[str]]:
    status = main(arguments)
    return status, capsys.readouterr().out.splitlines()


def test_list(folder, capsys):
    status, (good, bad, summary) = run(capsys, "list")
    assert status == 0
    assert good.split()[1:] == ["pending", "good"]
    assert bad.split()[1:3] == ["quarantined", "bad"]
    assert "net_pnl" in bad
    assert summary == f"1 pending, 1 quarantined in {folder / 'ares.sqlite3'}"


def test_list_one_state(folder, capsys):
    assert [line.split()[2] for line in run(capsys, "list", "--quarantined")[1][:-1]] == ["bad"]
    assert [line.split()[2] for line in run(capsys, "list", "--pending")[1][:-1]] == ["good"]


def test_export(folder, capsys, tmp_path):
    status, lines = run(capsys, "export")
    assert status == 0
    good, bad = map(json.loads, lines)
    assert (good["state"], good["outcome"]["net_pnl"], good["reason"]) == ("pending", 142.5, None)
    assert (bad["state"], bad["outcome"]["net_pnl"]) == ("quarantined", "NaN")
    file = tmp_path / "trades.jsonl"
    assert run(capsys, "export", "--quarantined", str(file)) == (0, [])
    assert json.loads(file.read_text()) == bad


def test_retry_without_a_service_leaves_them_pending(folder, capsys):
    status, lines = run(capsys, "retry", "--seconds", "0.3")
    assert status == 1
    assert lines[0] == "2 pending, 0 quarantined"
    assert lines[1].startswith("not delivered: ")


def test_retry_delivers_and_what_is_refused_comes_back(folder, capsys, live_service, monkeypatch):
    monkeypatch.setenv("ARES_ADVISOR_URL", live_service.url)
    if live_service.api_key:
        monkeypatch.setenv("ARES_ADVISOR_API_KEY", live_service.api_key)
    status, lines = run(capsys, "retry", "bad", "--seconds", "10")
    assert (status, lines[0]) == (1, "0 pending, 1 quarantined")
    _, (refused, _) = run(capsys, "list")
    assert "invalid: net_pnl" in refused


def test_discard_shows_what_it_removes_and_only_takes_what_is_in_quarantine(folder, capsys):
    status, (line,) = run(capsys, "discard", "bad")
    assert status == 0
    assert json.loads(line)["outcome"]["trade_id"] == "bad"
    assert run(capsys, "list")[1][-1].startswith("1 pending, 0 quarantined")
    assert main(["discard", "good"]) == 2
    assert "not in quarantine: good" in capsys.readouterr().err
    assert run(capsys, "list")[1][-1].startswith("1 pending")


def test_an_outbox_that_is_not_there_is_empty_and_is_not_made(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("ARES_ADVISOR_OUTBOX", raising=False)
    status, lines = run(capsys, "--outbox", str(tmp_path / "none"), "--bot", "other", "list")
    assert status == 0
    assert lines == [f"0 pending, 0 quarantined in {tmp_path / 'none' / 'other.sqlite3'}"]
    assert not (tmp_path / "none").exists()


def test_an_outbox_that_cannot_be_used_is_said(capsys, tmp_path):
    (tmp_path / "ares.sqlite3").mkdir()
    assert main(["--outbox", str(tmp_path), "list"]) == 2
    assert "advisor-outbox: " in capsys.readouterr().err


def test_a_wrong_setting_is_said(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ARES_ADVISOR_URL", "nonsense")
    assert main(["--outbox", str(tmp_path), "list"]) == 2
    assert "ARES_ADVISOR_URL" in capsys.readouterr().err
