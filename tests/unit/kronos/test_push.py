"""Bars on their way to a service: what it would refuse is told by day, before anything is sent."""

from __future__ import annotations

import numpy as np
import pytest

from kronos.commands.push import PushError, market_days
from kronos.market.history import MarketHistory


def spoiled(sample: MarketHistory, **values: float) -> MarketHistory:
    """The last bar with other values."""
    columns = sample.slice(len(sample) - 5, len(sample)).columns
    columns |= {name: np.append(columns[name][:-1], value) for name, value in values.items()}
    return MarketHistory(sample.sessions[-5:], columns)


def test_prices_that_were_rounded_each_by_itself_are_a_bar(sample: MarketHistory) -> None:
    (*_, last) = market_days(spoiled(sample, spx_open=2509.24 * 1.0009))
    assert last.spx_open > last.spx_high


def test_an_open_of_vix_outside_its_range_is_a_bar(sample: MarketHistory) -> None:
    """Of 7,306 days of the public file 46 have one."""
    (*_, last) = market_days(spoiled(sample, vix_open=30.0, vix_low=25.0, vix_high=28.0))
    assert (last.vix_open, last.vix_high) == (30.0, 28.0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"spx_open": 2600.0}, "spx_open lies outside spx_low to spx_high"),
        ({"spy_low": 251.0, "spy_high": 250.0}, "spy_low is above spy_high"),
    ],
)
def test_a_bar_that_would_be_refused_is_named(sample: MarketHistory, values: dict[str, float], said: str) -> None:
    with pytest.raises(PushError, match=f"the bar of 2018-12-31 would be refused: .*{said}"):
        market_days(spoiled(sample, **values))
