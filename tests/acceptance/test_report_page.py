"""The report in a real browser, where one is installed: nothing overflows, is clipped or overlaps, at any width."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.report.page import render
from kronos.report.study import make_study
from kronos.training.boosting import BoostingRecipe
from kronos.training.recipe import Recipe
from kronos.training.walk_forward import WalkForward
from tests.support.browser import BROWSER, QUIETLY

OPTIONS = (*QUIETLY, "--allow-file-access-from-files")
FRAMED = """
<!DOCTYPE html><title>A window as wide as asked for: a browser's own has a least width</title><pre id="result"></pre>
<iframe src="{address}" style="border: 0; width: {width}px; height: 900px"
  onload="result.textContent = this.contentDocument.getElementById('measured').textContent"></iframe>"""
MEASURE = """
<pre id="measured"></pre><script>
for (const one of document.querySelectorAll("details")) one.open = true;
const clipped = [], overlapping = [], small = [];
for (const drawing of document.querySelectorAll("svg")) {
  const frame = drawing.getBoundingClientRect();
  if (!frame.width) continue;
  const texts = [...drawing.querySelectorAll("text")].map(one => [one.textContent, one.getBoundingClientRect()]);
  for (const [at, [text, box]] of texts.entries()) {
    if (box.left < frame.left - 1 || box.right > frame.right + 1) clipped.push(text);
    if (box.top < frame.top - 1 || box.bottom > frame.bottom + 1) clipped.push(text);
    if (box.height < 9) small.push(text);
    for (const [other, its] of texts.slice(at + 1))
      if (box.left + 1 < its.right && its.left + 1 < box.right && box.top + 3 < its.bottom && its.top + 3 < box.bottom)
        overlapping.push([drawing.querySelector("title").textContent, text, other]);
  }
}
const drawn = [...document.querySelectorAll("svg")].filter(one => one.getBoundingClientRect().width).length;
document.getElementById("measured").textContent = JSON.stringify({
  width: innerWidth, across: document.documentElement.scrollWidth, drawn, clipped, overlapping, small,
});
</script>"""


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    command = [sys.executable, "-m", "kronos", "report", "--out", str(out), "--variant", "minimal", "--jobs", "1"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stderr
    assert f"wrote {out}" in result.stdout.replace("\n", "")
    assert out.read_text(encoding="utf-8").count("<section") == 9


@pytest.fixture(scope="module")
def page(sample: MarketHistory) -> str:
    """A report on the bundled sample with a script at its end that measures it."""
    recipe = Recipe(boosting=BoostingRecipe(rounds=(0, 5)), walk_forward=WalkForward(500, 250))
    return render(make_study(sample, CondorSpec(), recipe=recipe)).replace("</body>", MEASURE + "</body>")


@pytest.mark.skipif(BROWSER is None, reason="no browser is installed")
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_laid_out_in_a_browser(page: str, tmp_path: Path, width: int) -> None:
    measured, framed = tmp_path / "measured.html", tmp_path / "framed.html"
    measured.write_text(page, encoding="utf-8")
    framed.write_text(FRAMED.format(address=measured.as_uri(), width=width), encoding="utf-8")
    assert BROWSER is not None
    command = [BROWSER, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", framed.as_uri()]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="result">(\{.*?\})</pre>', result.stdout)
    assert found is not None, result.stdout[:2000]
    layout = json.loads(found[1])
    assert layout["width"] == width
    assert layout["across"] <= width
    assert layout["drawn"] > 20
    assert (layout["clipped"], layout["overlapping"], layout["small"]) == ([], [], [])
