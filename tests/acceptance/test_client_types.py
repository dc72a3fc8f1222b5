"""The types hold for a bot that checks its own code strictly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.client_support import IMPORT_ROOT

TYPED_USE = Path("tests", "support", "client_typed_use.py")
TYPED_METRICS = """
from typing import assert_type
from ares_client import get_advisor

metrics = get_advisor().retrain_from_outcomes(min_new_samples=50)
if metrics:
    assert_type(metrics.accuracy, float)
"""


def complaints(file: Path, cache: Path) -> str:
    """What mypy says, with a cache of its own that no other run writes to at the same time."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", f"--cache-dir={cache}", str(file)],
        cwd=IMPORT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


def test_the_types_hold_for_a_bot_that_checks_them(tmp_path: Path) -> None:
    assert complaints(TYPED_USE, tmp_path) == ""


def test_a_promoted_model_has_an_accuracy_that_the_guide_can_print(tmp_path: Path) -> None:
    file = tmp_path / "typed_metrics.py"
    file.write_text(TYPED_METRICS)
    assert complaints(file, tmp_path / "cache") == ""
