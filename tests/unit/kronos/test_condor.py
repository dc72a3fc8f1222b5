"""Where a condor's strikes stand, when and at what price it settles."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kronos.condor.entry import entry_vix
from kronos.condor.labels import wins
from kronos.condor.settlement import settlement_price, settles_at_minute
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import Strikes, expected_move, listed_strikes
from kronos.market.history import MarketHistory
from tests.support.bars import bars

BEFORE_THANKSGIVING = date(2018, 11, 20)


@given(
    price=st.floats(300, 6000),
    half_width=st.floats(1, 200),
    step=st.sampled_from([1.0, 5.0, 10.0, 25.0]),
    wing=st.sampled_from([5.0, 10.0, 50.0]),
)
def test_listed_shorts_stand_no_nearer_than_asked(price: float, half_width: float, step: float, wing: float) -> None:
    spec = CondorSpec(wing_width_points=wing, strike_step_points=step)
    strikes = listed_strikes(np.array(price), np.array(half_width), spec)
    rounding = 1e-9 * price
    assert -rounding <= (price - half_width) - strikes.put_short < step + rounding
    assert -rounding <= strikes.call_short - (price + half_width) < step + rounding
    assert strikes.put_short % step == strikes.call_short % step == 0
    assert strikes.put_short - strikes.put_long == strikes.call_long - strikes.call_short == wing


@given(settlement=st.floats(1900, 2100))
def test_one_settlement_price_pays_one_spread_at_most(settlement: float) -> None:
    strikes = Strikes(*(np.array(strike) for strike in (1970.0, 1980.0, 2020.0, 2030.0)))
    payout = float(strikes.payout(np.array(settlement)))
    puts, calls = min(max(1980 - settlement, 0), 10), min(max(settlement - 2020, 0), 10)
    assert puts == 0 or calls == 0
    assert payout == pytest.approx(puts + calls)


def test_a_trade_over_a_holiday_counts_sessions() -> None:
    """Wednesday, one session to expiry: Thanksgiving is none, so it settles on Friday, a half day."""
    history = bars([2001, 2002, 2003, 2004], start=BEFORE_THANKSGIVING)
    assert [str(day) for day in history.sessions] == ["2018-11-20", "2018-11-21", "2018-11-23", "2018-11-26"]
    settled = settlement_price(history, CondorSpec("open", 1))
    np.testing.assert_array_equal(settled, [2002, 2003, 2004, np.nan])
    np.testing.assert_array_equal(settles_at_minute(history.sessions), [16 * 60, 16 * 60, 13 * 60, 16 * 60])


def test_expected_move_grows_with_the_square_root_of_sessions() -> None:
    assert expected_move(2000.0, 16.0, 4) == pytest.approx(2 * expected_move(2000.0, 16.0, 1))
    assert expected_move(2000.0, 20.0, 252) == pytest.approx(400)


def test_a_multi_day_trade_does_not_end_on_the_day_it_opens() -> None:
    """Far below the short put at the first close, back at the settlement: a win, and a loss for a trade of a day."""
    history = bars([1900, 1950, 2000, 2000])
    assert wins(history, CondorSpec("open", 2), [1.0])[0, 0] == 1.0
    assert wins(history, CondorSpec("open", 0), [1.0])[0, 0] == 0.0


def test_the_same_days_vix_close_chooses_nothing_at_the_open() -> None:
    history = bars([2000, 2000, 2000], vix=[16, 17, 18])
    no_opens = MarketHistory(history.sessions, history.columns | {"vix_open": np.full(3, np.nan)})
    np.testing.assert_array_equal(entry_vix(no_opens, CondorSpec()), [np.nan, 16, 17])
    np.testing.assert_array_equal(entry_vix(no_opens, CondorSpec("close", 1)), [16, 17, 18])


@pytest.mark.parametrize(
    "values",
    [
        {"entry": "close", "dte_sessions": 0},
        {"dte_sessions": -1},
        {"wing_width_points": 0.0},
        {"strike_step_points": -5.0},
        {"wing_width_points": float("nan")},
        {"strike_step_points": float("inf")},
    ],
)
def test_a_spec_that_is_no_trade_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"dte_sessions|above 0"):
        CondorSpec(**values)  # type: ignore[arg-type]
