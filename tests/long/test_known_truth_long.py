"""On synthetic markets whose true probability is known, the error goes on falling towards zero as history grows."""

from __future__ import annotations

import numpy as np

from tests.support.known_truth import mean_absolute_error


def test_the_error_falls_towards_zero_as_history_grows() -> None:
    errors = {
        1_000: np.mean([mean_absolute_error(1_000, seed) for seed in range(3)]),
        4_000: np.mean([mean_absolute_error(4_000, seed) for seed in range(2)]),
        16_000: np.mean([mean_absolute_error(16_000, seed) for seed in range(1)]),
    }
    assert errors[4_000] < 0.75 * errors[1_000], errors
    assert errors[16_000] < 0.75 * errors[4_000], errors
    assert errors[16_000] < 0.013, errors
