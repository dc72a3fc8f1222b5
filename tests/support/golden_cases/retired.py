"""Features that only old models use, worked out by hand: a model that was trained on one relies on its meaning."""

from __future__ import annotations

import math

from kronos.condor.spec import CondorSpec
from tests.support.golden import (
    BEFORE_THE_OPEN_5,
    BEFORE_THE_OPEN_22,
    CLOSE,
    ONE_PERCENT,
    TO_THE_CLOSE_5,
    TO_THE_CLOSE_22,
    USUAL,
    WIDE,
    WIDER,
    WIDEST,
    Golden,
    market,
    without,
)

WINTER = market("2018-03-01", "2019-01-31")


def parkinson(*log_ranges: float) -> float:
    """Log of the root of the mean squared range over 4 log 2, over the 1 % that VIX implies."""
    mean = sum(one * one for one in log_ranges) / len(log_ranges)
    return math.log(math.sqrt(mean / (4 * math.log(2))) / 0.01)


RETIRED = [
    Golden("holidays_ahead", "settled on the day of entry", 0, WINTER, "2018-12-24"),
    Golden("holidays_ahead", "a weekend is none", 0, WINTER, "2018-12-14", CLOSE),
    Golden("holidays_ahead", "the close before New Year", 1, WINTER, "2018-12-31", CLOSE),
    Golden("holidays_ahead", "settled on the eve of New Year", 0, WINTER, "2018-12-28", CLOSE),
    Golden("holidays_ahead", "Good Friday and a weekend", 1, WINTER, "2018-03-29", CLOSE),
    Golden("holidays_ahead", "a day of mourning", 1, WINTER, "2018-12-04", CLOSE),
    Golden("holidays_ahead", "from the open over Thanksgiving", 1, WINTER, "2018-11-21", CondorSpec("open", 1)),
    Golden("holidays_ahead", "five sessions over Thanksgiving", 1, WINTER, "2018-11-21", CondorSpec("close", 5)),
    Golden("holidays_ahead", "Christmas and New Year", 2, WINTER, "2018-12-21", CondorSpec("close", 8)),
    Golden("holidays_ahead", "five sessions end before New Year", 1, WINTER, "2018-12-21", CondorSpec("close", 5)),
    Golden(
        "realised_5_over_implied",
        "5 before the open",
        parkinson(*3 * [USUAL], WIDEST, WIDER),
        market(spx_high=BEFORE_THE_OPEN_5),
    ),
    Golden(
        "realised_5_over_implied",
        "twice the VIX is half the ratio",
        parkinson(*3 * [USUAL], WIDEST, WIDER) - math.log(2),
        market(spx_high=BEFORE_THE_OPEN_5, vix_close={"2018-03-22": 99}),
        vix=2 * ONE_PERCENT,
    ),
    Golden(
        "realised_5_over_implied",
        "5 to the close",
        parkinson(*3 * [USUAL], WIDEST, WIDER),
        market(spx_high=TO_THE_CLOSE_5),
        spec=CLOSE,
    ),
    Golden(
        "realised_5_over_implied",
        "a range is the high over the low",
        parkinson(*4 * [USUAL], math.log(2010 / 1890)),
        market(spx_low={"2018-03-20": 1890}),
    ),
    Golden("realised_5_over_implied", "a gap", None, without("2018-03-16", market())),
    Golden(
        "realised_22_over_implied",
        "22 before the open",
        parkinson(*19 * [USUAL], WIDEST, WIDE, WIDER),
        market(spx_high=BEFORE_THE_OPEN_22),
    ),
    Golden(
        "realised_22_over_implied",
        "22 to the close",
        parkinson(*19 * [USUAL], WIDEST, WIDE, WIDER),
        market(spx_high=TO_THE_CLOSE_22),
        spec=CLOSE,
    ),
    Golden("realised_22_over_implied", "a gap", None, without("2018-02-21", market())),
    Golden(
        "range_5_over_implied",
        "each range over the VIX of the close before it",
        math.log((3 * USUAL / 0.01 + WIDEST / 0.02 + WIDER / 0.01) / 5),
        market(spx_high=BEFORE_THE_OPEN_5, vix_close={"2018-03-15": 2 * ONE_PERCENT, "2018-03-22": 4 * ONE_PERCENT}),
        vix=30,
    ),
    Golden(
        "range_5_over_implied",
        "to the close of entry",
        math.log((3 * USUAL / 0.01 + WIDEST / 0.02 + WIDER / 0.01) / 5),
        market(spx_high=TO_THE_CLOSE_5, vix_close={"2018-03-16": 2 * ONE_PERCENT, "2018-03-23": 4 * ONE_PERCENT}),
        spec=CLOSE,
    ),
    Golden("range_5_over_implied", "no VIX before the oldest range", None, without("2018-03-15", market())),
    Golden(
        "range_22_over_implied",
        "each range over the VIX of the close before it",
        math.log((19 * USUAL / 0.01 + WIDEST / 0.02 + WIDE / 0.01 + WIDER / 0.01) / 22),
        market(spx_high=BEFORE_THE_OPEN_22, vix_close={"2018-02-20": 2 * ONE_PERCENT, "2018-03-22": 4 * ONE_PERCENT}),
        vix=30,
    ),
    Golden(
        "range_22_over_implied",
        "to the close of entry",
        math.log((19 * USUAL / 0.01 + WIDEST / 0.02 + WIDE / 0.01 + WIDER / 0.01) / 22),
        market(spx_high=TO_THE_CLOSE_22, vix_close={"2018-02-21": 2 * ONE_PERCENT, "2018-03-23": 4 * ONE_PERCENT}),
        spec=CLOSE,
    ),
]
