"""`GET /performance` grows: replies of services from before still parse."""

from __future__ import annotations

from typing import Any

from ares_client.contract import Performance
from service.http.examples import PERFORMANCE

RECENT = {
    "recent_observations",
    "mean_recent_rate",
    "recent_rate_brier",
    "brier_skill_recent",
    "brier_skill_recent_interval",
}


def test_a_reply_without_recent_base_rates_parses() -> None:
    reply: dict[str, Any] = {**PERFORMANCE}
    earlier = {name: value for name, value in reply["calibration"].items() if name not in RECENT}
    found = Performance.model_validate(reply | {"calibration": earlier}).calibration
    assert found is not None
    assert found.recent_observations == 0
    assert [getattr(found, name) for name in sorted(RECENT - {"recent_observations"})] == [None] * 4


def test_a_reply_that_knows_no_grid_parses() -> None:
    reply: dict[str, Any] = {**PERFORMANCE}
    earlier = {name: count for name, count in reply["left_out"].items() if name != "off_the_grid"}
    assert Performance.model_validate(reply | {"left_out": earlier}).left_out.off_the_grid == 0
