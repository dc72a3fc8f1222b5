"""The commands as a user types them: good input, and bad input that ends in one line and exit code 2."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from kronos.model.model import Model
from tests.support.paths import ROOT

SCORES = {
    "brier",
    "brier_skill",
    "brier_skill_interval",
    "brier_skill_t",
    "log_loss",
    "auc",
    "ece",
    "ece_band",
}
GUIDE_SCRIPT = ROOT / "scripts" / "train_ares_ml.py"


def kronos(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run("-m", "kronos", *arguments, cwd=cwd)


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, timeout=240, check=False
    )


def test_evaluate_shows_the_model_beside_its_references(tmp_path: Path) -> None:
    out = tmp_path / "predictions.csv"
    result = kronos("evaluate", "--test-start", "2017-01-01", "--predictions", str(out), "--json")
    assert result.returncode == 0, result.stderr
    evaluation = json.loads(result.stdout)
    for name in ("model", "climatology", "logistic", "guide_recipe"):
        assert evaluation[name].keys() >= SCORES
    assert evaluation["climatology"]["brier_skill"] == 0
    assert evaluation["sessions"] == 502
    assert evaluation["by_multiplier"].keys() == {f"{m / 10:.1f}" for m in range(6, 17)}
    assert evaluation["by_year"].keys() == {"2017", "2018"}
    assert evaluation["policy"].keys() >= {
        "traded_share",
        "mean_pnl_traded",
        "mean_pnl_skipped",
        "difference",
        "difference_interval",
    }
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["date", "sd_multiplier", "probability", "base_rate", "win"]
    assert len(rows) == 502 * 11
    assert rows[0]["date"] == "2017-01-03"


def test_evaluate_prints_a_table_side_by_side() -> None:
    result = kronos("evaluate", "--variant", "minimal")
    assert result.returncode == 0, result.stderr
    for name in ("model", "climatology", "logistic", "guide_recipe"):
        assert f"│ {name} " in result.stdout
    assert "…" not in result.stdout


def test_backtest_labels_modelled_money() -> None:
    result = kronos("backtest", "--start", "2015-01-01", "--end", "2016-12-31")
    assert result.returncode == 0, result.stderr
    assert "504 condors, 2015-01-02 to 2016-12-30" in result.stdout
    assert "modelled" in result.stdout


def test_the_guides_command_trains_and_writes_an_artefact(tmp_path: Path) -> None:
    result = run(str(GUIDE_SCRIPT), "--start", "2014-02-03", "--end", "2018-12-28", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    model = Model.from_bytes((tmp_path / "ares_model.ares").read_bytes())
    assert model.manifest["training"]["first"] == "2014-02-03"
    assert str(model.trained_through) == "2018-12-28"


BAD_ARGUMENTS = {
    "dates the data does not cover": (["--start", "2021-01-01", "--end", "2024-12-01"], "kronos fetch"),
    "half covered": (["--start", "2018-01-01", "--end", "2024-12-01"], "the data covers 2014-01-03 to 2018-12-31"),
    "no date": (["--start", "yesterday"], "--start 'yesterday' is not a date"),
    "wrong order": (["--start", "2018-12-31", "--end", "2018-01-01"], "no session between"),
    "a weekend": (["--start", "2018-12-29", "--end", "2018-12-30"], "no session between"),
    "too short": (["--start", "2018-01-02", "--end", "2018-12-31"], "too few sessions"),
    "no such file": (["--data", "absent.csv"], "absent.csv: No such file"),
    "close without dte": (["--entry", "close", "--dte", "0"], "dte_sessions of at least 1"),
    "activate alone": (["--activate"], "--push"),
    "nobody there": (["--push", "http://127.0.0.1:1"], "http://127.0.0.1:1"),
}


@pytest.mark.parametrize(("arguments", "complaint"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    result = kronos("train", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert complaint in lines[0]
    if "--push" not in arguments:
        assert not list(tmp_path.iterdir())


def test_a_bad_file_leaves_no_artefact(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("date,spx_open,spx_high,spx_low,spx_close,vix_close\n2018-12-30,1,1,1,1,1\n")
    result = kronos("train", "--data", "bars.csv", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "kronos: bars.csv, row 2, column date: 2018-12-30 is not an exchange session\n"
    assert [path.name for path in tmp_path.iterdir()] == ["bars.csv"]
