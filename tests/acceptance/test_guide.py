"""The guide's three passages, unchanged but for the import lines, against the live service: up, killed, back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from kronos.training.rows import TrainingRows
from tests.support.in_process import InProcessService, StartService
from tests.support.paths import EVALUATION_DATA, ROOT
from tests.support.processes import PATIENT_SECONDS, StartProcess, environment_with, query, wait_until

GUIDE = ROOT / "docs" / "integration-guide.md"
AS_ASKED_FOR = EVALUATION_DATA.parent / "integration-guide.md"
ADVICE, OUTCOME, RETRAIN = range(3)


def passages(guide: Path) -> list[str]:
    found = re.findall(r"```python\n(.*?)```", guide.read_text(), re.DOTALL)
    assert len(found) == 3
    return found


class Bot:
    """The guide's bot in a process of its own."""

    def __init__(self, folder: Path, url: str, deadline_seconds: float) -> None:
        (folder / "passages.json").write_text(json.dumps(passages(GUIDE)))
        environment = environment_with(
            ARES_ADVISOR_URL=url,
            ARES_ADVISOR_OUTBOX=str(folder / "outbox"),
            ARES_ADVISOR_DEADLINE_SECONDS=str(deadline_seconds),
        )
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "support" / "guide_bot.py"), str(folder / "passages.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def run(self, passage: int, position: dict[str, Any] | None = None) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([passage, position]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the bot has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End its input and wait for its end; it is killed if that does not come."""
        try:
            self.process.communicate(timeout=PATIENT_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()


StartBot = Callable[..., Bot]


@pytest.fixture
def start_bot(tmp_path: Path) -> Iterator[StartBot]:
    """Starts the bot that asks the service at a URL, and ends it after the test."""
    with ExitStack() as until_ended:

        def start(url: str, deadline_seconds: float = PATIENT_SECONDS) -> Bot:
            return until_ended.enter_context(closing(Bot(tmp_path, url, deadline_seconds)))

        yield start


def positions(rows: TrainingRows, count: int) -> list[dict[str, Any]]:
    """Closed positions as the guide's passage sees them, entered a little after the bar's own open."""
    newest = rows.take(slice(-count, None))
    vix = 1.01 * newest.vix
    return [
        {
            "realized_pnl": 95.0 if newest.labels[at, 4] else -905.0,
            "vix_at_entry": float(vix[at]),
            "open_date": str(newest.sessions[at]),
            "underlying_price_at_entry": float(newest.price[at]),
            "expected_move": float(newest.price[at] * vix[at] / 100 / 252**0.5),
        }
        for at in range(count)
    ]


@pytest.mark.skipif(not AS_ASKED_FOR.exists(), reason="needs the guide as it was asked for")
def test_only_the_import_lines_differ_from_what_was_asked_for() -> None:
    for ours, asked in zip(passages(GUIDE), passages(AS_ASKED_FOR), strict=True):
        pairs = list(zip(ours.splitlines(), asked.splitlines(), strict=True))
        changed = [(a, b) for a, b in pairs if a != b]
        assert all(a == b.replace("quant.ares_ml_advisor", "ares_client") for a, b in changed)
        assert all("import" in a for a, _ in changed)


def test_with_the_service_up_killed_and_back(
    start_process: StartProcess, start_bot: StartBot, ready_database_url: str, sample_rows: TrainingRows
) -> None:
    service = start_process("serve", ready_database_url)
    bot = start_bot(service.url, deadline_seconds=6.0)  # all of it passes while nobody answers
    up = bot.run(ADVICE)
    assert re.search(r"ML Advice: TRADE_REDUCED\n  Win Probability: \d\d\.\d%\n  Suggested Risk: \d\.\d%", up["log"])
    wait_until(lambda: query(ready_database_url, "SELECT price FROM advice_log"))

    first, second = positions(sample_rows, 2)
    bot.run(OUTCOME, first)
    count = "SELECT count(*) AS rows FROM ares_ml_outcomes"
    wait_until(lambda: query(ready_database_url, count)[0]["rows"] == 1)

    service.kill()
    down = bot.run(ADVICE)
    assert "ML Advice: TRADE_FULL\n  Win Probability: 70.0%\n  Suggested Risk: 10.0%" in down["log"]
    assert bot.run(OUTCOME, second)["pending"] == 1
    assert bot.run(RETRAIN)["printed"] == ""

    service.start()
    wait_until(lambda: query(ready_database_url, count)[0]["rows"] == 2)
    (row,) = query(ready_database_url, "SELECT * FROM ares_ml_outcomes ORDER BY id DESC LIMIT 1")
    assert str(row["trade_date"]) == second["open_date"]
    assert json.loads(row["features"])["price"] == second["underlying_price_at_entry"]


def test_fifty_outcomes_and_a_retraining(
    start_bot: StartBot, quick_service: InProcessService, start_process: StartProcess, sample_rows: TrainingRows
) -> None:
    bot = start_bot(quick_service.url)
    start_process("worker", quick_service.database_url)
    for position in positions(sample_rows, 50):
        bot.run(OUTCOME, position)
    retrained = bot.run(RETRAIN)
    assert re.fullmatch(r"Retrained to v1\.1\.0\nAccuracy: \d\d\.\d%\n", retrained["printed"]), retrained


def test_a_low_probability_skips_the_day_and_says_so(
    start_bot: StartBot, start_service: StartService, ready_database_url: str
) -> None:
    """The guide's skip branch: a policy that skips at once makes the service advise it."""
    service = start_service(ready_database_url, policy={"skip_below_base": -0.9, "full_within_base": -0.95})
    skipped = start_bot(service.url).run(ADVICE)
    assert skipped["result"]["actions"] == [
        f"ML skip: {skipped['result']['ml_advice']['win_probability']:.1%} win prob"
    ]
    assert skipped["result"]["ml_advice"]["advice"] == "SKIP_TODAY"
