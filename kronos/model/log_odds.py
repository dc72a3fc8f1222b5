"""Convert between probabilities and log-odds."""

from __future__ import annotations

import math

import numpy as np

from kronos.market.history import Floats


def expit(log_odds: Floats) -> Floats:
    """Probabilities of log-odds, in the argument's shape."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def logit(probability: float) -> float:
    """Log-odds of a probability strictly between 0 and 1."""
    return math.log(probability / (1 - probability))
