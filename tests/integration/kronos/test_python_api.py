"""The notebook example of the docs runs as it stands."""

from __future__ import annotations

import re
from functools import partial

import pytest

from kronos.training import evaluate, export
from kronos.training.rows import TrainingRows
from tests.support.paths import ROOT
from tests.support.recipes import QUICK

PAGE = ROOT / "docs" / "kronos.md"


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands, but with a recipe that takes seconds."""
    monkeypatch.setattr(evaluate, "evaluate", partial(evaluate.evaluate, recipe=QUICK))
    monkeypatch.setattr(export, "train", partial(export.train, recipe=QUICK))
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    scope: dict[str, object] = {}
    exec(compile(example, str(PAGE), "exec"), scope)
    assert re.fullmatch(
        r"skill \+0\.\d{3} \([+-]0\.\d{3} to \+0\.\d{3}\), full profit \d\d\.\d%\n", capsys.readouterr().out
    )
    rows = scope["rows"]
    assert isinstance(rows, TrainingRows)
    assert rows.features.shape == (len(rows), 31)
