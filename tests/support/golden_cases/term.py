"""Features of what short and long horizons cost beside VIX, worked out by hand."""

from __future__ import annotations

import math

from tests.support.golden import CLOSE, Golden, market, without

VIX9D = {"2018-03-21": 10.0, "2018-03-22": 12.0, "2018-03-23": 30.0}
VIX3M = {"2018-03-21": 10.0, "2018-03-22": 24.0, "2018-03-23": 30.0}
VIX = {"2018-03-21": 40.0, "2018-03-22": 16.0, "2018-03-23": 20.0}

TERM = [
    Golden(
        "vix9d_over_vix",
        "both at the last close before the open",
        math.log(12 / 16),
        market(vix9d_close=VIX9D, vix9d_open={"2018-03-23": 50}, vix_close=VIX),
        vix=99,
    ),
    Golden(
        "vix9d_over_vix",
        "both at the close of entry",
        math.log(1.5),
        market(vix9d_close=VIX9D, vix_close=VIX),
        spec=CLOSE,
    ),
    Golden(
        "vix9d_over_vix", "an older one does not do", None, market(vix9d_close={"2018-03-21": 10, "2018-03-23": 30})
    ),
    Golden("vix9d_over_vix", "VIX3M does not do", None, market(vix3m_close=VIX3M)),
    Golden("vix9d_over_vix", "a gap", None, without("2018-03-22", market(vix9d_close=VIX9D))),
    Golden(
        "vix3m_over_vix",
        "both at the last close before the open",
        math.log(24 / 16),
        market(vix3m_close=VIX3M, vix3m_open={"2018-03-23": 50}, vix_close=VIX),
        vix=99,
    ),
    Golden(
        "vix3m_over_vix",
        "both at the close of entry",
        math.log(1.5),
        market(vix3m_close=VIX3M, vix_close=VIX),
        spec=CLOSE,
    ),
    Golden(
        "vix3m_over_vix", "an older one does not do", None, market(vix3m_close={"2018-03-21": 10, "2018-03-23": 30})
    ),
    Golden("vix3m_over_vix", "VIX9D does not do", None, market(vix9d_close=VIX9D)),
    Golden("vix3m_over_vix", "a gap", None, without("2018-03-22", market(vix3m_close=VIX3M))),
]
