"""The paper bot: a file of days traded, with the advisor up and down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import client_support
from tests.support.client_support import PATIENT_SECONDS
from tests.support.paths import ROOT
from tests.support.processes import AdvisorProcess

client_environment = client_support.client_environment
refused_url = client_support.refused_url

RunBot = Callable[..., subprocess.CompletedProcess[str]]

BOT = ROOT / "examples" / "ares_paper_bot.py"
SAMPLE = ROOT / "kronos" / "market" / "data" / "sample_2014_2018.csv"

DAYS = """date,spx_open,spx_high,spx_low,spx_close,vix_open,vix_close
2018-12-03,2790.5,2800.18,2773.38,2790.37,16.5,16.44
2018-12-04,2782.43,2785.93,2697.18,2700.06,16.88,20.74
2018-12-06,2663.51,2696.15,2621.53,2695.95,23.61,21.19
"""


@pytest.fixture
def run_bot(client_environment: dict[str, str], tmp_path: Path) -> RunBot:
    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {"ARES_ADVISOR_OUTBOX": str(tmp_path / "outbox"), "ARES_ADVISOR_BOT": "paper"}
        return subprocess.run(
            [sys.executable, BOT, *map(str, arguments)],
            env=client_environment | own | variables,
            capture_output=True,
            text=True,
            timeout=4 * PATIENT_SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def days(tmp_path: Path) -> Path:
    file = tmp_path / "days.csv"
    file.write_text(DAYS)
    return file


def test_with_the_advisor_down_it_trades_by_its_own_configuration_and_keeps_the_trades(
    run_bot: RunBot, days: Path, refused_url: str
) -> None:
    done = run_bot(days, ARES_ADVISOR_URL=refused_url)
    assert done.returncode == 0, done.stderr
    assert "Win Probability: 70.0%" in done.stdout
    assert "     3 advice from fallback" in done.stdout
    assert "     1 PUT_BREACHED" in done.stdout
    assert "3 trades wait in the outbox, 0 are in quarantine" in done.stdout


def test_with_the_advisor_up_it_follows_the_service(run_bot: RunBot, live_service: AdvisorProcess) -> None:
    variables = {
        "ARES_ADVISOR_URL": live_service.url,
        "ARES_ADVISOR_BOT": "paper-up",
        "ARES_ADVISOR_DEADLINE_SECONDS": str(PATIENT_SECONDS),
    }
    if live_service.api_key:
        variables["ARES_ADVISOR_API_KEY"] = live_service.api_key
    done = run_bot(SAMPLE, "--from", "2018-11-01", "--to", "2018-12-31", **variables)
    assert done.returncode == 0, done.stderr
    assert "advice from service" in done.stdout
    assert "advice from fallback" not in done.stdout
    assert "0 trades wait in the outbox, 0 are in quarantine" in done.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("date,spx_open,vix_open,vix_close\n2018-12-03,1,16,16\n", "there is no column 'spx_close'"),
        (DAYS.replace("2790.5", "many"), "line 2"),
        (DAYS.replace("2018-12-04", "4 December"), "line 3"),
    ],
    ids=["a missing column", "no number", "no date"],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(run_bot: RunBot, days: Path, content: str, told: str) -> None:
    days.write_text(content)
    done = run_bot(days)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert told in line
    assert str(days) in line
