"""The share of condors that won lately, worked out by hand."""

from __future__ import annotations

from kronos.condor.spec import CondorSpec
from tests.support.golden import CLOSE, ONE_PERCENT, Golden, market, without

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
