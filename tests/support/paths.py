"""Where things lie."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FIXTURES = ROOT / "tests" / "fixtures"
EVALUATION_DATA = ROOT.parent / "shared" / "data"
"""Real market data, which is not part of the repository: tests that read it skip where it is absent."""
