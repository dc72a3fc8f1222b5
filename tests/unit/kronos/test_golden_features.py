"""What each feature means: values worked out by hand on a few chosen bars, and nothing of KRONOS in the working."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from kronos.condor.spec import CondorSpec
from kronos.features.entries import Entries
from kronos.features.matrix import feature_matrix, features_at_entry
from kronos.features.registry import Feature, FeatureId, declared, features_of
from tests.support.golden import CLOSE, ONE_PERCENT, OPEN, Golden, market, without

WINTER = market("2018-03-01", "2019-01-31")

CALENDAR = [
    Golden("day_of_week", "Friday is 4", 4, market()),
    Golden("day_of_week", "Monday is 0", 0, market(), "2018-03-26"),
    Golden("day_of_week", "Wednesday is 2", 2, market(), "2018-03-21", CLOSE),
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
]

LOW_VIX = {"2018-02-20": 10.0, "2018-02-21": 10.0, "2018-03-05": 11.0, "2018-03-14": 12.0, "2018-03-22": 12.0}
"""At 12 three closes of the 30 days lie below, ties half; the first one here lies outside."""

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
]

RETURNS = [
    Golden(
        "price_change_1d",
        "the last two closes before the open",
        2.0,
        market(spx_close={"2018-03-20": 1900, "2018-03-21": 2000, "2018-03-22": 2040}),
        price=2100,
    ),
    Golden("price_change_1d", "a fall", -2.5, market(spx_close={"2018-03-22": 1950}), price=1900),
    Golden(
        "price_change_1d",
        "the close of entry and the one before",
        5.0,
        market(spx_close={"2018-03-21": 1900, "2018-03-23": 2100}),
        spec=CLOSE,
    ),
    Golden(
        "return_5",
        "from the sixth last close to the last",
        math.log(2040 / 2000) / (0.01 * math.sqrt(5)),
        market(spx_close={"2018-03-14": 2200, "2018-03-16": 1800, "2018-03-22": 2040}),
        price=2100,
    ),
    Golden(
        "return_5",
        "a fall at twice the VIX",
        math.log(1950 / 2000) / (0.02 * math.sqrt(5)),
        market(spx_close={"2018-03-22": 1950}),
        vix=2 * ONE_PERCENT,
    ),
    Golden(
        "return_5",
        "to the close of entry",
        math.log(2040 / 2000) / (0.01 * math.sqrt(5)),
        market(spx_close={"2018-03-15": 2200, "2018-03-19": 1800, "2018-03-22": 1900, "2018-03-23": 2040}),
        spec=CLOSE,
    ),
    Golden(
        "drawdown_66",
        "the highest of 66 closes",
        math.log(2000 / 2100) / 0.01,
        market(spx_close={"2017-12-14": 2200, "2017-12-15": 2100, "2018-03-08": 1900}),
        price=2100,
    ),
    Golden(
        "drawdown_66",
        "the last close is the lowest",
        math.log(1900 / 2000) / 0.02,
        market(spx_close={"2018-03-22": 1900}),
        vix=2 * ONE_PERCENT,
    ),
    Golden("drawdown_66", "at the peak", 0, market(spx_close={"2018-03-08": 1900, "2018-03-22": 2050})),
    Golden(
        "drawdown_66",
        "the close of entry is one of the 66",
        math.log(1950 / 2100) / 0.01,
        market(spx_close={"2017-12-15": 2200, "2017-12-18": 2100, "2018-03-23": 1950}),
        spec=CLOSE,
    ),
    Golden("drawdown_66", "65 bars are too few", None, market("2017-12-18")),
]

BEFORE_THE_OPEN_5 = {"2018-03-15": 2500.0, "2018-03-16": 2090.0, "2018-03-22": 2040.0}
BEFORE_THE_OPEN_22 = {"2018-02-20": 2500.0, "2018-02-21": 2090.0, "2018-03-08": 2060.0, "2018-03-22": 2040.0}
TO_THE_CLOSE_5 = {"2018-03-16": 2500.0, "2018-03-19": 2090.0, "2018-03-23": 2040.0}
TO_THE_CLOSE_22 = {"2018-02-21": 2500.0, "2018-02-22": 2090.0, "2018-03-08": 2060.0, "2018-03-23": 2040.0}
"""Highs: just outside the window, on its oldest session, within, and on its newest."""


USUAL, WIDER, WIDE, WIDEST = (math.log(high / 1990) for high in (2010, 2040, 2060, 2090))
"""Log ranges of a flat bar and of those highs; lows are 1990."""


def parkinson(*log_ranges: float) -> float:
    """Log of the root of the mean squared range over 4 log 2, over the 1 % that VIX implies."""
    mean = sum(one * one for one in log_ranges) / len(log_ranges)
    return math.log(math.sqrt(mean / (4 * math.log(2))) / 0.01)


REALISED = [
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

WIN_RATE = [
    Golden(
        "win_rate_30d",
        "a move of 20 wins and one of 21 loses, on 22 sessions",
        (20 + 0.8 * 10) / (22 + 10),
        market(spx_close={"2018-02-20": 2021, "2018-02-21": 2021, "2018-03-08": 2019.9, "2018-03-22": 1979}),
    ),
    Golden(
        "win_rate_30d",
        "moves are judged by the VIX at entry: its open, else the close before",
        (21 + 0.8 * 10) / (22 + 10),
        market(
            spx_close={"2018-03-06": 2030, "2018-03-08": 2030, "2018-03-13": 2030},
            vix_open={"2018-03-06": 2 * ONE_PERCENT},
            vix_close={"2018-03-07": 2 * ONE_PERCENT, "2018-03-13": 2 * ONE_PERCENT},
        ),
    ),
    Golden(
        "win_rate_30d",
        "at the close the trades of one session to the next, of which three lost",
        (19 + 0.8 * 10) / (22 + 10),
        market(spx_close={"2018-02-20": 2050, "2018-03-06": 2100, "2018-03-23": 2100}),
        spec=CLOSE,
    ),
    Golden(
        "win_rate_30d",
        "a trade of several sessions counts when it settles",
        (19 + 0.8 * 10) / (22 + 10),
        market(
            spx_open={"2018-02-14": 2100, "2018-02-15": 2100, "2018-03-19": 2100, "2018-03-20": 2100},
            spx_close={"2018-03-06": 2045, "2018-03-08": 2035},
        ),
        spec=CondorSpec("open", 3),
    ),
    Golden(
        "win_rate_30d",
        "a settlement on the short strike is a win",
        (21 + 0.8 * 10) / (22 + 10),
        market(
            spx_close={"2018-03-20": 1840, "2018-03-21": 2160.01, "2018-03-22": 2160},
            vix_close={str(day): 16.0 for day in market().sessions},
        ),
        spec=CondorSpec("open", 62),
    ),
    Golden(
        "win_rate_30d",
        "a short strike that is touched is lost",
        (21 + 0.8 * 10) / (22 + 10),
        market(spx_low={"2018-03-06": 1979, "2018-03-07": 1981}),
        spec=CondorSpec(management="touch"),
    ),
    Golden(
        "win_rate_30d",
        "trades entered before the bars begin are not counted",
        (19 + 0.8 * 10) / (19 + 10),
        market("2018-02-21", vix_open={"2018-02-21": ONE_PERCENT}),
        spec=CondorSpec("open", 3),
    ),
    Golden("win_rate_30d", "a gap inside", None, without("2018-02-21", market())),
    Golden("win_rate_30d", "bars from its second day on", None, market("2018-02-22")),
]

GOLDEN = [*CALENDAR, *IMPLIED, *RETURNS, *REALISED, *WIN_RATE]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"{golden.feature}: {golden.shows}")
def test_the_value_is_the_one_worked_out_by_hand(golden: Golden) -> None:
    """In a training row as in a live answer, whatever comes after entry."""
    features = features_of([FeatureId(golden.feature, golden.revision)])
    history, (price, vix) = golden.with_an_absurd_future(), golden.entry
    session = date.fromisoformat(golden.session)
    known = features_at_entry(history, golden.spec, session, price, vix, features)
    served = known.get(golden.feature)
    entries = Entries(history, golden.spec, np.array([golden.at]), np.array([price]), np.array([vix]))
    trained = float(feature_matrix(entries, features)[0, 0])
    if golden.expected is None:
        assert served is None
        assert math.isnan(trained)
    else:
        assert served == pytest.approx(golden.expected, rel=1e-12, abs=1e-12)
        assert trained == pytest.approx(golden.expected, rel=1e-12, abs=1e-12)


def test_every_declared_feature_has_a_golden_case() -> None:
    """Retired revisions too: a model that was trained on one relies on its meaning."""
    assert {feature.id for feature in declared()} == {FeatureId(one.feature, one.revision) for one in GOLDEN}


@pytest.mark.parametrize("feature", declared(), ids=lambda feature: feature.name)
def test_every_feature_is_worked_out_for_both_entries(feature: Feature) -> None:
    entries = {one.spec.entry for one in GOLDEN if FeatureId(one.feature, one.revision) == feature.id}
    assert entries == {OPEN.entry, CLOSE.entry}
