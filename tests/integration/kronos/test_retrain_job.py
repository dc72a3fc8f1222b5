"""The retraining as a process of its own: what it is given, what it leaves, and how it tells how far it is."""

from __future__ import annotations

import dataclasses
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gate_errors import reports
from benchmarks.spoiled import FLIPPED
from kronos.condor.spec import CondorSpec
from kronos.market.csv_file import write_market_csv
from kronos.market.history import MarketHistory
from kronos.model.gate import GateLimits
from kronos.progress import PhasedProgress, Step
from kronos.retraining.job import SHARES, written_to
from kronos.training.export import train
from kronos.training.rows import build_rows
from tests.support.shared import AGED_THROUGH, made_once

START = np.datetime64("2016-06-01")
"""So few sessions are enough to train on; the child trains with the recipe that ships."""


@pytest.fixture(scope="module")
def champion(sample: MarketHistory, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    def make() -> bytes:
        return train(build_rows(sample, spec, start=START, end=AGED_THROUGH)[0], spec).artefact.to_bytes()

    return made_once(tmp_path_factory, "champion-of-the-job", make)


@pytest.fixture
def folder(tmp_path: Path, champion: bytes, sample: MarketHistory, spec: CondorSpec) -> Path:
    """What the worker writes for the child."""
    (tmp_path / "champion.ares").write_bytes(champion)
    write_market_csv(sample, tmp_path / "market_days.csv")
    first_new = int(np.searchsorted(sample.sessions, AGED_THROUGH, side="right"))
    trades = [dataclasses.asdict(trade) for trade in reports(sample, spec, first_new)]
    write_job(tmp_path, trades)
    return tmp_path


def write_job(folder: Path, trades: list[dict[str, Any]]) -> None:
    job = {"today": "2019-01-02", "forced": False, "limits": dataclasses.asdict(GateLimits()), "trades": trades}
    (folder / "job.json").write_text(json.dumps(job, default=str))


def lines_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Run the job; each line as it is written."""
    command = [sys.executable, "-m", "kronos.retraining.job", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            yield json.loads(line)
        assert child.wait() == 0


def test_the_job_tells_how_far_it_is_and_leaves_its_result(folder: Path) -> None:
    steps = [Step(**line) for line in lines_of(folder)]
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert list(dict.fromkeys(step.phase for step in steps)) == list(SHARES)
    assert all(0 <= step.done <= step.total for step in steps)
    result = json.loads((folder / "result.json").read_text())
    assert result["promoted"], result["reason"]
    assert result["figures"]["trades_checked"] == 50
    assert (folder / "challenger.ares").exists()


def test_a_job_that_is_refused_early_ends_at_one_too(folder: Path) -> None:
    trades = json.loads((folder / "job.json").read_text())["trades"]
    write_job(folder, [trade | {"outcome": FLIPPED[trade["outcome"]]} for trade in trades])
    *_, last = lines_of(folder)
    assert (last["phase"], last["fraction"]) == ("writing", 1.0)
    result = json.loads((folder / "result.json").read_text())
    assert "contradict the market" in result["reason"]
    assert result["figures"]["confirmation_sessions"] > 100


def test_lines_are_few_a_second_but_none_that_begins_a_phase_is_left_out() -> None:
    now, lines = 0.0, io.StringIO()
    progress = PhasedProgress({"one": 0.5, "two": 0.5}, written_to(lines, lambda: now))
    for phase in ("one", "two"):
        tell = progress(phase)
        for done in range(1, 101):
            now += 0.01
            tell(done, 100)
    steps = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(steps) == 9
    assert steps[0] == {"phase": "one", "done": 0, "total": 1, "fraction": 0.0}
    assert steps[-1] == {"phase": "two", "done": 100, "total": 100, "fraction": 1.0}


def test_the_shares_of_the_phases_add_up_to_one() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)
