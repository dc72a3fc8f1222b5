"""The ranges that files keep are those of the wire."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ares_client.contract import IndexPoints, SdMultiplier, VixPoints
from ares_client.contract.values import SpyDollars, VolatilityPoints
from kronos.condor.spec import SD_MULTIPLIERS
from kronos.market.history import SPX, SPY, VIX, VIX1D, VIX3M, VIX9D, Family


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        (VixPoints, VIX),
        (IndexPoints, SPX),
        (SpyDollars, SPY),
        (VixPoints, VIX3M),
        (VolatilityPoints, VIX9D),
        (VolatilityPoints, VIX1D),
    ],
)
def test_values_are_taken_within_and_refused_beyond(kind: Any, family: Family) -> None:
    limits = (family.lowest, family.highest)
    taken: TypeAdapter[float] = TypeAdapter(kind)
    for value in limits:
        assert taken.validate_python(float(value)) == value
    for value in (limits[0] * 0.999, limits[1] * 1.001):
        with pytest.raises(ValidationError):
            taken.validate_python(value)


def test_the_multipliers_asked_for_lie_on_the_grid() -> None:
    taken: TypeAdapter[float] = TypeAdapter(SdMultiplier)
    assert [taken.validate_python(value) for value in (SD_MULTIPLIERS[0], SD_MULTIPLIERS[-1])] == [0.6, 1.6]
    for value in (0.59, 1.61):
        with pytest.raises(ValidationError):
            taken.validate_python(value)
