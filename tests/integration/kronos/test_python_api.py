"""The notebook example of the docs runs as it stands."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "kronos.md"


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    scope: dict[str, object] = {}
    exec(compile(example, str(PAGE), "exec"), scope)
    assert re.fullmatch(
        r"skill \+0\.\d{3} \([+-]0\.\d{3} to \+0\.\d{3}\), full profit \d\d\.\d%\n", capsys.readouterr().out
    )
    assert scope["rows"].features.shape == (len(scope["rows"]), 14)  # type: ignore[attr-defined, arg-type]
