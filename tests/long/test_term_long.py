"""`term` on a synthetic market with 4,000 sessions of a term structure."""

from __future__ import annotations

import numpy as np

from tests.support.term_market import errors


def test_with_much_history_the_correction_is_nearly_all_of_the_truth() -> None:
    knows = [errors(4_000, 0.5, seed) for seed in range(2)]
    nothing = [errors(4_000, 0.0, seed) for seed in range(2)]
    assert np.mean([one.term for one in knows]) < 0.6 * np.mean([one.full for one in knows])
    assert np.mean([one.term - one.full for one in nothing]) < 0.001
