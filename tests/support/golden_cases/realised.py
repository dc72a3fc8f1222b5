"""Features of realised volatility, worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    year,
)

TWICE, FOUR_TIMES = 2 * ONE_PERCENT, 4 * ONE_PERCENT


def parkinson_by_age(half_life: int, ranges: Sequence[float | None]) -> float:
    """Log of the root of the weighted mean squared range over 4 log 2, over the 1 % that VIX implies.

    Parameters
    ----------
    ranges : log ranges, newest first; None where there is no bar
    """
    weights = [0.5 ** (age / half_life) if one is not None else 0 for age, one in enumerate(ranges)]
    mean = sum(weight * (one or 0) ** 2 for weight, one in zip(weights, ranges, strict=True)) / sum(weights)
    return math.log(math.sqrt(mean / (4 * math.log(2))) / 0.01)


THIRTY = [WIDER, *2 * [USUAL], WIDE, *25 * [USUAL], WIDEST]
BEFORE_THE_OPEN_30 = {"2018-02-07": 2500.0, "2018-02-08": 2090.0, "2018-03-19": 2060.0, "2018-03-22": 2040.0}
TO_THE_CLOSE_30 = {"2018-02-08": 2500.0, "2018-02-09": 2090.0, "2018-03-20": 2060.0, "2018-03-23": 2040.0}
EIGHTY = [WIDER, *9 * [USUAL], WIDE, *68 * [USUAL], WIDEST]
BEFORE_THE_OPEN_80 = {"2017-11-24": 2500.0, "2017-11-27": 2090.0, "2018-03-08": 2060.0, "2018-03-22": 2040.0}
TO_THE_CLOSE_80 = {"2017-11-27": 2500.0, "2017-11-28": 2090.0, "2018-03-09": 2060.0, "2018-03-23": 2040.0}
A_YEAR = [WIDER, *39 * [USUAL], WIDE, *210 * [USUAL], WIDEST]
BEFORE_THE_OPEN_252 = {"2017-03-22": 2500.0, "2017-03-23": 2090.0, "2018-01-24": 2060.0, "2018-03-22": 2040.0}
TO_THE_CLOSE_252 = {"2017-03-23": 2500.0, "2017-03-24": 2090.0, "2018-01-25": 2060.0, "2018-03-23": 2040.0}
"""Highs: just outside the window, on its oldest session, a half-life before the newest, and on the newest."""

WEIGHTED = [
    Golden(
        "realised_ew3_over_implied",
        "30 before the open, half as much weight three sessions earlier",
        parkinson_by_age(3, THIRTY),
        market(spx_high=BEFORE_THE_OPEN_30),
    ),
    Golden(
        "realised_ew3_over_implied",
        "twice the VIX is half the ratio",
        parkinson_by_age(3, THIRTY) - math.log(2),
        market(spx_high=BEFORE_THE_OPEN_30, vix_close={"2018-03-22": 99}),
        vix=TWICE,
    ),
    Golden(
        "realised_ew3_over_implied",
        "30 to the close",
        parkinson_by_age(3, THIRTY),
        market(spx_high=TO_THE_CLOSE_30),
        spec=CLOSE,
    ),
    Golden(
        "realised_ew3_over_implied",
        "days that are alike",
        math.log(USUAL / math.sqrt(4 * math.log(2)) / 0.01),
        market(),
    ),
    Golden(
        "realised_ew3_over_implied",
        "a range is the high over the low",
        parkinson_by_age(3, [USUAL, math.log(2010 / 1890), *28 * [USUAL]]),
        market(spx_low={"2018-03-21": 1890}, spx_open={"2018-03-20": 1995}, spx_close={"2018-03-20": 2005}),
    ),
    Golden(
        "realised_ew3_over_implied",
        "3 of 30 missing: the others keep their weights",
        parkinson_by_age(3, [USUAL, *3 * [None], *26 * [USUAL]]),
        without("2018-03-19", market(), "2018-03-21"),
    ),
    Golden("realised_ew3_over_implied", "4 of 30 missing", None, without("2018-03-16", market(), "2018-03-21")),
    Golden("realised_ew3_over_implied", "the newest is missing", None, without("2018-03-22", market())),
    Golden(
        "realised_ew3_over_implied",
        "the bar of entry is not stored yet",
        None,
        without("2018-03-23", market()),
        spec=CLOSE,
    ),
    Golden(
        "realised_ew10_over_implied",
        "80 before the open, half as much weight ten sessions earlier",
        parkinson_by_age(10, EIGHTY),
        market(spx_high=BEFORE_THE_OPEN_80),
    ),
    Golden(
        "realised_ew10_over_implied",
        "twice the VIX is half the ratio",
        parkinson_by_age(10, EIGHTY) - math.log(2),
        market(spx_high=BEFORE_THE_OPEN_80, vix_close={"2018-03-22": 99}),
        vix=TWICE,
    ),
    Golden(
        "realised_ew10_over_implied",
        "80 to the close",
        parkinson_by_age(10, EIGHTY),
        market(spx_high=TO_THE_CLOSE_80),
        spec=CLOSE,
    ),
    Golden(
        "realised_ew10_over_implied",
        "8 of 80 missing: the others keep their weights",
        parkinson_by_age(10, [WIDER, *8 * [None], USUAL, WIDE, *68 * [USUAL], WIDEST]),
        without("2018-03-12", market(spx_high=BEFORE_THE_OPEN_80), "2018-03-21"),
    ),
    Golden("realised_ew10_over_implied", "9 of 80 missing", None, without("2018-03-09", market(), "2018-03-21")),
    Golden(
        "realised_ew40_over_implied",
        "252 before the open, half as much weight forty sessions earlier",
        parkinson_by_age(40, A_YEAR),
        year(spx_high=BEFORE_THE_OPEN_252),
    ),
    Golden(
        "realised_ew40_over_implied",
        "twice the VIX is half the ratio",
        parkinson_by_age(40, A_YEAR) - math.log(2),
        year(spx_high=BEFORE_THE_OPEN_252, vix_close={"2018-03-22": 99}),
        vix=TWICE,
    ),
    Golden(
        "realised_ew40_over_implied",
        "252 to the close",
        parkinson_by_age(40, A_YEAR),
        year(spx_high=TO_THE_CLOSE_252),
        spec=CLOSE,
    ),
    Golden(
        "realised_ew40_over_implied",
        "25 of 252 missing: the others keep their weights",
        parkinson_by_age(40, [WIDER, *39 * [USUAL], WIDE, *138 * [USUAL], *25 * [None], *47 * [USUAL], WIDEST]),
        without("2017-06-01", year(spx_high=BEFORE_THE_OPEN_252), "2017-07-06"),
    ),
    Golden("realised_ew40_over_implied", "26 of 252 missing", None, without("2017-06-01", year(), "2017-07-07")),
]

RISE, RISE_40, RISE_60, RISE_90 = (math.log(high / 2000) for high in (2010, 2040, 2060, 2090))
"""From the close to the high: of a flat bar, and of the highs above."""
FALL = math.log(2000 / 1990)
"""From the low to the close of a flat bar."""


def typical(*moves: float) -> float:
    """Log of the root mean square of moves in daily standard deviations."""
    return math.log(math.sqrt(sum(move * move for move in moves) / len(moves)))


def flat(sessions: int) -> list[float]:
    """Both moves of so many flat sessions, at the 1 % that VIX implies."""
    return [RISE / 0.01, FALL / 0.01] * sessions


OLDEST_AT_TWICE = (RISE_90 / 0.02, FALL / 0.02)
"""The oldest session of a window, where VIX implied 2 % at the close before it."""
NEWEST = (RISE_40 / 0.01, FALL / 0.01)
WITHIN = (RISE_60 / 0.01, FALL / 0.01)

LAST_FIVE = ("2018-03-16", "2018-03-19", "2018-03-20", "2018-03-21", "2018-03-22")
LOWS, HIGHS = dict.fromkeys(LAST_FIVE, 1990.0), dict.fromkeys(LAST_FIVE, 2010.0)

MOVES = [
    Golden(
        "move_5_over_implied",
        "5 before the open, each over the VIX of the close before it",
        typical(*OLDEST_AT_TWICE, *flat(3), *NEWEST),
        market(spx_high=BEFORE_THE_OPEN_5, vix_close={"2018-03-14": 99, "2018-03-15": TWICE, "2018-03-22": FOUR_TIMES}),
        vix=30,
    ),
    Golden(
        "move_5_over_implied",
        "5 to the close",
        typical(*OLDEST_AT_TWICE, *flat(3), *NEWEST),
        market(spx_high=TO_THE_CLOSE_5, vix_close={"2018-03-15": 99, "2018-03-16": TWICE, "2018-03-23": FOUR_TIMES}),
        spec=CLOSE,
    ),
    Golden(
        "move_5_over_implied",
        "moves are to the close, wherever it opened",
        typical(*flat(4), math.log(2010 / 1995) / 0.01, math.log(1995 / 1950) / 0.01),
        market(spx_open={"2018-03-20": 2009}, spx_low={"2018-03-20": 1950}, spx_close={"2018-03-20": 1995}),
    ),
    Golden(
        "move_5_over_implied",
        "a high that is the printed open is left out",
        typical(*flat(4), FALL / 0.01),
        market(spx_open={"2018-03-20": 2500}, spx_high={"2018-03-20": 2500}),
    ),
    Golden(
        "move_5_over_implied",
        "a low that is the printed open is left out",
        typical(*flat(4), RISE / 0.01),
        market(spx_open={"2018-03-20": 1500}, spx_low={"2018-03-20": 1500}),
    ),
    Golden(
        "move_5_over_implied",
        "at the close of entry its open is known too",
        typical(*flat(4), FALL / 0.01),
        market(spx_open={"2018-03-23": 2500}, spx_high={"2018-03-23": 2500}),
        spec=CLOSE,
    ),
    Golden(
        "move_5_over_implied",
        "an open half a millionth inside is the extreme, one of two millionths is not",
        typical(*flat(3), FALL / 0.01, RISE_40 / 0.01, FALL / 0.01),
        market(
            spx_high={"2018-03-19": 2500, "2018-03-20": 2040},
            spx_open={"2018-03-19": 2500 * (1 - 0.5e-6), "2018-03-20": 2040 * (1 - 2e-6)},
        ),
    ),
    Golden(
        "move_5_over_implied",
        "a bar without its open says nothing",
        typical(*flat(4)),
        market(spx_open={"2018-03-20": math.nan}, spx_high={"2018-03-20": 2500}),
    ),
    Golden(
        "move_5_over_implied",
        "days that rise from the low to the high count as a hundredth",
        math.log(0.01),
        market(spx_open=LOWS, spx_low=LOWS, spx_close=HIGHS, spx_high=HIGHS),
    ),
    Golden(
        "move_5_over_implied",
        "days without a range say nothing at all",
        None,
        market(spx_open=LOWS, spx_low=LOWS, spx_close=LOWS, spx_high=LOWS),
    ),
    Golden("move_5_over_implied", "a gap", None, without("2018-03-19", market())),
    Golden("move_5_over_implied", "no VIX before the oldest session", None, without("2018-03-15", market())),
    Golden("move_5_over_implied", "a gap before that", typical(*flat(5)), without("2018-03-14", market())),
    Golden(
        "move_22_over_implied",
        "22 before the open, each over the VIX of the close before it",
        typical(*OLDEST_AT_TWICE, *flat(19), *WITHIN, *NEWEST),
        market(spx_high=BEFORE_THE_OPEN_22, vix_close={"2018-02-20": TWICE, "2018-03-22": FOUR_TIMES}),
        vix=30,
    ),
    Golden(
        "move_22_over_implied",
        "22 to the close",
        typical(*OLDEST_AT_TWICE, *flat(19), *WITHIN, *NEWEST),
        market(spx_high=TO_THE_CLOSE_22, vix_close={"2018-02-21": TWICE, "2018-03-23": FOUR_TIMES}),
        spec=CLOSE,
    ),
    Golden(
        "move_22_over_implied",
        "a missing bar takes the next session's VIX with it: 2 of 22, the mean of the others",
        typical(*flat(18), *WITHIN, *NEWEST),
        without(
            "2018-02-21",
            market(spx_high=BEFORE_THE_OPEN_22 | {"2018-02-22": 2500}, spx_open={"2018-02-22": 2500}),
        ),
    ),
    Golden("move_22_over_implied", "3 of 22 missing", None, without("2018-02-21", market(), "2018-02-22")),
    Golden(
        "move_66_over_implied",
        "66 before the open, each over the VIX of the close before it",
        typical(*OLDEST_AT_TWICE, *flat(63), *WITHIN, *NEWEST),
        market(
            spx_high={"2017-12-14": 2500, "2017-12-15": 2090, "2018-03-08": 2060, "2018-03-22": 2040},
            vix_close={"2017-12-14": TWICE, "2018-03-22": FOUR_TIMES},
        ),
        vix=30,
    ),
    Golden(
        "move_66_over_implied",
        "66 to the close",
        typical(*OLDEST_AT_TWICE, *flat(63), *WITHIN, *NEWEST),
        market(
            spx_high={"2017-12-15": 2500, "2017-12-18": 2090, "2018-03-08": 2060, "2018-03-23": 2040},
            vix_close={"2017-12-15": TWICE, "2018-03-23": FOUR_TIMES},
        ),
        spec=CLOSE,
    ),
    Golden(
        "move_66_over_implied",
        "6 of 66 missing: the mean of the others",
        typical(*flat(59), *NEWEST),
        without("2018-01-02", market(spx_high={"2018-03-22": 2040}), "2018-01-08"),
    ),
    Golden("move_66_over_implied", "7 of 66 missing", None, without("2018-01-02", market(), "2018-01-09")),
    Golden(
        "move_252_over_implied",
        "252 before the open, each over the VIX of the close before it",
        typical(*OLDEST_AT_TWICE, *flat(249), *WITHIN, *NEWEST),
        year(spx_high=BEFORE_THE_OPEN_252, vix_close={"2017-03-22": TWICE, "2018-03-22": FOUR_TIMES}),
        vix=30,
    ),
    Golden(
        "move_252_over_implied",
        "252 to the close",
        typical(*OLDEST_AT_TWICE, *flat(249), *WITHIN, *NEWEST),
        year(spx_high=TO_THE_CLOSE_252, vix_close={"2017-03-23": TWICE, "2018-03-23": FOUR_TIMES}),
        spec=CLOSE,
    ),
    Golden(
        "move_252_over_implied",
        "25 of 252 missing: the mean of the others",
        typical(RISE_90 / 0.01, FALL / 0.01, *flat(224), *WITHIN, *NEWEST),
        without("2017-06-01", year(spx_high=BEFORE_THE_OPEN_252), "2017-07-05"),
    ),
    Golden("move_252_over_implied", "26 of 252 missing", None, without("2017-06-01", year(), "2017-07-06")),
]

REALISED = [*WEIGHTED, *MOVES]
