"""`advisor-outbox retry`: quarantined trades go out again, to a service or to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from ares_client import Advisor, ClientSettings
from ares_client.outbox_cli import main
from tests.support.processes import AdvisorProcess


@pytest.fixture(autouse=True)
def _outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused_url: str) -> None:
    """A bot has recorded, with nobody listening, a trade that waits and one that went to quarantine."""
    monkeypatch.setenv("ARES_ADVISOR_URL", refused_url)
    monkeypatch.setenv("ARES_ADVISOR_OUTBOX", str(tmp_path))
    with Advisor(ClientSettings(url=refused_url, outbox=tmp_path)) as advisor:
        for trade_id, net_pnl in [("good", 142.5), ("bad", float("nan"))]:
            advisor.record_outcome(
                trade_date="2024-01-02",
                features={"vix": 17.4},
                outcome="MAX_PROFIT",
                net_pnl=net_pnl,
                trade_id=trade_id,
            )


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    status = main(arguments)
    return status, capsys.readouterr().out.splitlines()


def test_what_the_bot_has_recorded_is_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, (good, bad, summary) = run(capsys, "list")
    assert status == 0
    assert good.split()[1:] == ["pending", "good"]
    assert bad.split()[1:3] == ["quarantined", "bad"]
    assert "net_pnl" in bad
    assert summary == f"1 pending, 1 quarantined in {tmp_path / 'ares.sqlite3'}"


def test_without_a_service_they_stay_pending(capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = run(capsys, "retry", "--seconds", "3")
    assert status == 1
    assert lines[0] == "2 pending, 0 quarantined"
    assert lines[1].startswith("not delivered: ")


def test_they_are_delivered_and_what_is_refused_comes_back(
    capsys: pytest.CaptureFixture[str], live_service: AdvisorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARES_ADVISOR_URL", live_service.url)
    if live_service.api_key:
        monkeypatch.setenv("ARES_ADVISOR_API_KEY", live_service.api_key)
    status, lines = run(capsys, "retry", "bad", "--seconds", "60")
    assert (status, lines[0]) == (1, "0 pending, 1 quarantined")
    _, (refused, _) = run(capsys, "list")
    assert "invalid: net_pnl" in refused
