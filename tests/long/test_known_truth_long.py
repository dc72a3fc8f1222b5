"""On synthetic markets whose true probability is known, the error goes on falling towards zero as history grows."""

from __future__ import annotations

import numpy as np

from tests.support.known_truth import mean_absolute_error

SEEDS = 8


def test_the_error_falls_towards_zero_as_history_grows() -> None:
    errors = {
        sessions: np.mean([mean_absolute_error(sessions, seed) for seed in range(SEEDS)])
        for sessions in (1_000, 4_000, 16_000)
    }
    assert errors[4_000] < 0.8 * errors[1_000], errors
    assert errors[16_000] < 0.55 * errors[1_000], errors
    assert errors[16_000] < 0.0125, errors
