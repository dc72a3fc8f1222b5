"""Features of VIX, worked out by hand."""

from __future__ import annotations

import math

from kronos.condor.spec import CondorSpec
from tests.support.golden import CLOSE, ONE_PERCENT, Golden, market, without, year

LOW_VIX = {"2018-02-20": 10.0, "2018-02-21": 10.0, "2018-03-05": 11.0, "2018-03-14": 12.0, "2018-03-22": 12.0}
"""At 12 three closes of the 30 days lie below, ties half; the first one here lies outside."""

AFTER_16 = market(vix_close={"2018-03-21": 10, "2018-03-22": 16, "2018-03-23": 40})
MONTH_OF_CHANGES = market("2018-02-20", "2018-03-22").sessions
"""The 23 closes before the usual entry."""

IMPLIED = [
    Golden("vix", "at the open not the last close", 17.3, market(), vix=17.3),
    Golden("vix", "at the close", 18.5, market(vix_close={"2018-03-23": 18.5}), spec=CLOSE),
    Golden("expected_move_pct", "one session", 1.0, market(), price=2500),
    Golden("expected_move_pct", "the open has its own session too", 2.0, market(), spec=CondorSpec("open", 3)),
    Golden("expected_move_pct", "the close has not", 2.0, market(), spec=CondorSpec("close", 4)),
    Golden("expected_move_pct", "a quarter of a year", 8.0, market(), spec=CondorSpec("open", 62), vix=16),
    Golden("vix_percentile_30d", "30 days, ties half", 100 * (2 + 0.5 + 0.5) / 22, market(vix_close=LOW_VIX), vix=12),
    Golden(
        "vix_percentile_30d",
        "a Monday has 20 sessions before it",
        100 * 1 / 20,
        market(vix_close={"2018-02-23": 10, "2018-02-26": 10}),
        "2018-03-26",
        vix=12,
    ),
    Golden(
        "vix_percentile_30d",
        "a window that begins on a holiday",
        100 * 1 / 21,
        market(vix_close={"2018-02-16": 10, "2018-02-20": 10}),
        "2018-03-21",
        vix=12,
    ),
    Golden(
        "vix_percentile_30d",
        "the close of entry is not its own past",
        100 * (2 + 0.5 + 0.5) / 22,
        market(vix_close=LOW_VIX | {"2018-03-23": 12}),
        spec=CLOSE,
    ),
    Golden("vix_percentile_30d", "a gap inside", None, without("2018-02-21", market()), vix=12),
    Golden("vix_percentile_30d", "a gap before", 0, without("2018-02-20", market()), vix=12),
    Golden("vix_percentile_30d", "bars from its first day on", 100, market("2018-02-21"), vix=40),
    Golden("vix_percentile_30d", "bars from its second day on", None, market("2018-02-22"), vix=40),
    Golden(
        "vix_change_1d",
        "the last two closes before the open",
        100 * (20 / 16 - 1),
        market(vix_close={"2018-03-20": 10, "2018-03-21": 16, "2018-03-22": 20}),
        vix=30,
    ),
    Golden(
        "vix_change_1d",
        "the close of entry and the one before",
        100 * (24 / 20 - 1),
        market(vix_close={"2018-03-21": 16, "2018-03-22": 20, "2018-03-23": 24}),
        spec=CLOSE,
    ),
    Golden("vix_change_1d", "a gap", None, without("2018-03-21", market())),
    Golden("vix_gap", "from the last close to the open", math.log(20 / 16), AFTER_16, vix=20),
    Golden("vix_gap", "a fall", math.log(12 / 16), AFTER_16, vix=12),
    Golden("vix_gap", "at the close the last close is its own", 0, AFTER_16, spec=CLOSE),
    Golden("vix_gap", "no last close", None, without("2018-03-22", market())),
    Golden("vix_gap", "no other close is needed", 0, market("2018-03-22")),
    Golden(
        "vix_over_252",
        "252 closes before the open",
        math.log(2) - (math.log(2) + math.log(4)) / 252,
        year(vix_close={"2017-03-22": 99, "2017-03-23": 2 * ONE_PERCENT, "2018-03-22": 4 * ONE_PERCENT}),
        vix=2 * ONE_PERCENT,
    ),
    Golden(
        "vix_over_252",
        "the close of entry is one of the 252",
        math.log(4) - (math.log(2) + math.log(4)) / 252,
        year(vix_close={"2017-03-23": 99, "2017-03-24": 2 * ONE_PERCENT, "2018-03-23": 4 * ONE_PERCENT}),
        spec=CLOSE,
    ),
    Golden(
        "vix_over_252",
        "25 of 252 missing: the mean of the others",
        -math.log(2) / 227,
        without("2017-06-01", year(vix_close={"2018-03-22": 2 * ONE_PERCENT}), "2017-07-06"),
    ),
    Golden("vix_over_252", "26 of 252 missing", None, without("2017-06-01", year(), "2017-07-07")),
    Golden("vix_over_252", "bars begin with the 26th of the 252", 0, market("2017-04-28")),
    Golden("vix_over_252", "bars begin with the 27th of the 252", None, market("2017-05-01")),
    Golden(
        "vix_volatility_22",
        "22 changes of 23 closes",
        math.log(math.sqrt((math.log(2) ** 2 + math.log(4) ** 2) / 22)),
        market(vix_close={"2018-02-16": 99, "2018-02-20": 2 * ONE_PERCENT, "2018-03-22": 4 * ONE_PERCENT}),
        vix=30,
    ),
    Golden(
        "vix_volatility_22",
        "changes to the close of entry",
        math.log(math.sqrt((math.log(2) ** 2 + math.log(4) ** 2) / 22)),
        market(vix_close={"2018-02-20": 99, "2018-02-21": 2 * ONE_PERCENT, "2018-03-23": 4 * ONE_PERCENT}),
        spec=CLOSE,
    ),
    Golden(
        "vix_volatility_22",
        "about nothing, not about their mean",
        math.log(math.log(1.05)),
        market(vix_close={str(day): 10 * 1.05**at for at, day in enumerate(reversed(MONTH_OF_CHANGES))}),
    ),
    Golden("vix_volatility_22", "a VIX that stands still", math.log(1e-3), market()),
    Golden(
        "vix_volatility_22",
        "a close that is missing takes two changes with it",
        math.log(math.sqrt(math.log(4) ** 2 / 20)),
        without("2018-03-01", market(vix_close={"2018-03-22": 4 * ONE_PERCENT})),
    ),
    Golden(
        "vix_volatility_22",
        "the oldest close takes one",
        math.log(math.sqrt(math.log(4) ** 2 / 21)),
        without("2018-02-20", market(vix_close={"2018-03-22": 4 * ONE_PERCENT})),
    ),
    Golden("vix_volatility_22", "three changes missing", None, without("2018-03-01", market(), "2018-03-02")),
]
