"""The commands as a user types them: good input, and bad input that ends in one line and exit code 2."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from kronos.cli import main
from kronos.model.model import Model
from kronos.statistics.scores import SCORES
from kronos.training import evaluate, export
from tests.support.paths import ROOT
from tests.support.recipes import QUICK

GUIDE_SCRIPT = ROOT / "scripts" / "train_ares_ml.py"
LITTLE = ("--start", "2016-10-03", "--end", "2018-12-28")
"""About the fewest sessions that are trained on."""
ONE_JOB = ("--jobs", "1")


@pytest.fixture
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands with a recipe that takes a second, where the figures are not the point."""
    monkeypatch.setattr(evaluate, "evaluate", partial(evaluate.evaluate, recipe=QUICK))
    monkeypatch.setattr(export, "train", partial(export.train, recipe=QUICK))


def succeeded(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as done:
        main(list(arguments))
    shown = capsys.readouterr()
    assert done.value.code == 0, shown.err
    return shown.out


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.usefixtures("_quickly")
def test_evaluate_shows_the_model_beside_its_references(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "predictions.csv"
    asked = ("evaluate", "--test-start", "2017-01-01", "--predictions", str(out), "--json", *ONE_JOB)
    evaluation = json.loads(succeeded(capsys, *asked))
    for name in ("model", "climatology", "logistic", "guide_recipe"):
        assert evaluation[name].keys() >= {score.name for score in SCORES}
    assert evaluation["climatology"]["brier_skill"] == 0
    assert evaluation["sessions"] == 502
    assert evaluation["by_multiplier"].keys() == {f"{m / 10:.1f}" for m in range(6, 17)}
    assert evaluation["by_year"].keys() == {"2017", "2018"}
    assert [choice["world"] for choice in evaluation["money"]["choices"]] == ["vix_only", "short_dated", "efficient"]
    assert evaluation["money"]["edges_by_year"].keys() == {"2017", "2018"}
    assert len(evaluation["money"]["accounts"]) == 3 * 8
    assert evaluation["fair_value"]["by_multiplier"].keys() == evaluation["by_multiplier"].keys()
    assert len(evaluation["fair_value"]["deciles"]) == 10
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "date",
        "sd_multiplier",
        "probability",
        "base_rate",
        "win",
        "recent_base_rate",
        "fair_credit_points",
        "payout_points",
    ]
    assert len(rows) == 502 * 11
    assert rows[0]["date"] == "2017-01-03"


@pytest.mark.usefixtures("_quickly")
def test_evaluate_prints_a_table_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    shown = succeeded(capsys, "evaluate", "--variant", "minimal", *ONE_JOB)
    for name in ("model", "climatology", "logistic", "guide_recipe"):
        assert f"│ {name} " in shown
    assert "…" not in shown


def test_the_command_is_a_module_too(tmp_path: Path) -> None:
    result = run("-m", "kronos", "backtest", "--start", "2015-01-01", "--end", "2016-12-31", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "504 condors, 2015-01-02 to 2016-12-30" in result.stdout
    assert "modelled" in result.stdout
    bad = run("-m", "kronos", "backtest", "--start", "yesterday", cwd=tmp_path)
    assert bad.returncode == 2
    assert bad.stderr.startswith("kronos: --start 'yesterday' is not a date")
    assert len(bad.stderr.splitlines()) == 1


def test_the_guides_command_trains_and_writes_an_artefact(tmp_path: Path) -> None:
    """With the recipe that ships, on as many processes as there are cores."""
    result = run(str(GUIDE_SCRIPT), *LITTLE, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    model = Model.from_bytes((tmp_path / "ares_model.ares").read_bytes())
    assert model.manifest["training"]["first"] == "2016-10-03"
    assert str(model.trained_through) == "2018-12-28"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as done:
        main(list(arguments))
    shown = capsys.readouterr()
    assert done.value.code == 2
    (line,) = shown.err.strip().splitlines()
    return line


BAD_ARGUMENTS = {
    "dates the data does not cover": (["--start", "2021-01-01", "--end", "2024-12-01"], "kronos fetch"),
    "half covered": (["--start", "2018-01-01", "--end", "2024-12-01"], "the data covers 2014-01-03 to 2018-12-31"),
    "no date": (["--start", "yesterday"], "--start 'yesterday' is not a date"),
    "wrong order": (["--start", "2018-12-31", "--end", "2018-01-01"], "no session between"),
    "a weekend": (["--start", "2018-12-29", "--end", "2018-12-30"], "no session between"),
    "too short": (["--start", "2018-01-02", "--end", "2018-12-31", *ONE_JOB], "too few sessions"),
    "no such file": (["--data", "absent.csv"], "absent.csv: No such file"),
    "close without dte": (["--entry", "close", "--dte", "0"], "dte_sessions of at least 1"),
    "activate alone": (["--activate"], "--push"),
}


@pytest.mark.parametrize(("arguments", "complaint"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint in refused(capsys, "train", *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("_quickly")
def test_a_service_that_is_away_is_one_line_and_the_artefact_is_there(
    tmp_path: Path, nobody: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert nobody in refused(capsys, "train", *LITTLE, *ONE_JOB, "--push", nobody)
    assert str(Model.from_bytes((tmp_path / "ares_model.ares").read_bytes()).trained_through) == "2018-12-28"


def test_a_bad_file_leaves_no_artefact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.csv").write_text("date,spx_open,spx_high,spx_low,spx_close,vix_close\n2018-12-30,1,1,1,1,1\n")
    said = refused(capsys, "train", "--data", "bars.csv")
    assert said == "kronos: bars.csv, row 2, column date: 2018-12-30 is not an exchange session"
    assert [path.name for path in tmp_path.iterdir()] == ["bars.csv"]
