"""On synthetic markets whose true probability is known, more history brings the prediction closer to it.

`tests/long` goes on to 16,000 sessions.
"""

from __future__ import annotations

import numpy as np

from tests.support.known_truth import mean_absolute_error


def test_the_error_falls_as_history_grows() -> None:
    short = np.mean([mean_absolute_error(1_000, seed) for seed in range(2)])
    longer = mean_absolute_error(4_000, seed=0)
    assert longer < 0.8 * short
    assert longer < 0.02
