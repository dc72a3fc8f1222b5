"""The one judge of reported trades, case by case: at 2000 and a VIX of one percent, the expected move is 20."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from itertools import product

import numpy as np
import pytest

from kronos.condor.contradiction import NO_BAR, Contradiction, ReportedCondor, SessionBar, contradictions
from kronos.condor.settlement import SessionBars
from kronos.condor.spec import CALL_BREACHED, DOUBLE_BREACH, MAX_PROFIT, OUTCOMES, PUT_BREACHED, CondorSpec
from kronos.market.history import MarketHistory
from kronos.retraining.reported_trades import ReportedTrade, join_trades
from tests.support.bars import VIX_OF_ONE_PERCENT, bars

SPEC = CondorSpec()
DAY = date(2017, 6, 5)
LABEL, SIDE, SETTLEMENT = [Contradiction.LABEL], [Contradiction.SIDE], [Contradiction.SETTLEMENT]
FINE: list[Contradiction] = []


def settled_at(settlement: float | None) -> SessionBar:
    return SessionBar(2000.0, VIX_OF_ONE_PERCENT, settlement)


def judged(
    outcome: str,
    settlement: float | None,
    sd_multiplier: float = 1.0,
    strikes: tuple[float, float] | None = None,
    reported_settlement: float | None = None,
    spec: CondorSpec = SPEC,
) -> list[Contradiction]:
    put, call = strikes or (None, None)
    trade = ReportedCondor(outcome, sd_multiplier, None, None, put, call, reported_settlement)
    return contradictions(trade, settled_at(settlement), spec)


WITHOUT_STRIKES = {
    "a win between the strikes": (MAX_PROFIT, 2010, 1.0, FINE),
    "a win beyond the call": (MAX_PROFIT, 2025, 1.0, LABEL),
    "a win beyond the put": (MAX_PROFIT, 1975, 1.0, LABEL),
    "a win beyond 1.0 but within 1.6 expected moves": (MAX_PROFIT, 2025, 1.6, FINE),
    "a loss between the strikes": (PUT_BREACHED, 1990, 1.0, LABEL),
    "a loss on the put": (PUT_BREACHED, 1975, 1.0, FINE),
    "a loss on the call": (CALL_BREACHED, 2025, 1.0, FINE),
    "the put lost where the call was": (PUT_BREACHED, 2025, 1.0, SIDE),
    "the call lost where the put was": (CALL_BREACHED, 1975, 1.0, SIDE),
    "both sides lost at one settlement": (DOUBLE_BREACH, 1975, 1.0, SIDE),
    "both sides lost between the strikes": (DOUBLE_BREACH, 2000, 1.0, LABEL),
}


@pytest.mark.parametrize(
    ("outcome", "settlement", "sd_multiplier", "found"), WITHOUT_STRIKES.values(), ids=WITHOUT_STRIKES
)
def test_without_strikes_the_multiplier_tells_where_they_stood(
    outcome: str, settlement: float, sd_multiplier: float, found: list[Contradiction]
) -> None:
    assert judged(outcome, settlement, sd_multiplier) == found


@pytest.mark.parametrize(
    ("outcome", "settlement", "found"),
    [
        (MAX_PROFIT, 1978, FINE),
        (PUT_BREACHED, 1978, FINE),
        (MAX_PROFIT, 1974.99, LABEL),
        (MAX_PROFIT, 1975, FINE),
        (PUT_BREACHED, 1979, LABEL),
        (PUT_BREACHED, 1978.99, FINE),
        (MAX_PROFIT, 2023, FINE),
        (CALL_BREACHED, 2023, FINE),
        (MAX_PROFIT, 2025.01, LABEL),
        (CALL_BREACHED, 2021, LABEL),
    ],
)
def test_between_the_exact_multiple_and_the_next_listed_strike_either_end_may_be(
    outcome: str, settlement: float, found: list[Contradiction]
) -> None:
    """At 1.05 expected moves the shorts stand at 1979 and 2021, or listed at 1975 and 2025."""
    assert judged(outcome, settlement, 1.05) == found


@pytest.mark.parametrize(
    ("outcome", "settlement", "found"),
    [
        (MAX_PROFIT, 2030, FINE),
        (MAX_PROFIT, 2035, FINE),
        (MAX_PROFIT, 2035.01, LABEL),
        (CALL_BREACHED, 2035, LABEL),
        (CALL_BREACHED, 2035.01, FINE),
        (PUT_BREACHED, 1965, LABEL),
        (PUT_BREACHED, 1964.99, FINE),
        (PUT_BREACHED, 2040, SIDE),
    ],
)
def test_reported_strikes_are_the_strikes_whatever_the_multiplier(
    outcome: str, settlement: float, found: list[Contradiction]
) -> None:
    """Traded at about 1.6 expected moves, where the multiplier is the default of 1.0."""
    assert judged(outcome, settlement, strikes=(1965, 2035)) == found


def test_a_win_far_out_is_contradicted_only_without_its_strikes() -> None:
    """The settlement lies beyond 1.0 expected moves; the shorts stood at 1.6."""
    assert judged(MAX_PROFIT, 2025, strikes=(1965, 2035)) == FINE
    assert judged(MAX_PROFIT, 2025) == LABEL


@pytest.mark.parametrize(
    ("outcome", "put", "call", "settlement", "found"),
    [
        (MAX_PROFIT, None, 2035.0, 2025, FINE),
        (MAX_PROFIT, 1965.0, None, 2025, LABEL),
        (MAX_PROFIT, 1965.0, None, 1970, FINE),
        (PUT_BREACHED, 1965.0, None, 1970, LABEL),
        (PUT_BREACHED, None, 2035.0, 1970, FINE),
    ],
)
def test_one_strike_is_taken_as_reported_and_the_other_from_the_multiplier(
    outcome: str, put: float | None, call: float | None, settlement: float, found: list[Contradiction]
) -> None:
    trade = ReportedCondor(outcome, 1.0, put_short_strike=put, call_short_strike=call)
    assert contradictions(trade, settled_at(settlement), SPEC) == found
    assert contradictions(replace(trade, settlement_price=float(settlement)), NO_BAR, SPEC) == FINE


@pytest.mark.parametrize(
    ("reported", "found"),
    [
        (2000 * 1.0049, FINE),
        (2000 * 0.9951, FINE),
        (2000 * 1.0051, SETTLEMENT),
        (2000 * 0.9949, SETTLEMENT),
        (None, FINE),
    ],
)
def test_a_settlement_may_differ_from_the_bars_by_half_a_percent(
    reported: float | None, found: list[Contradiction]
) -> None:
    assert judged(MAX_PROFIT, 2000, reported_settlement=reported) == found


def test_the_bars_settlement_outweighs_the_one_reported() -> None:
    assert judged(MAX_PROFIT, 2000, reported_settlement=2025) == SETTLEMENT
    assert judged(MAX_PROFIT, 2025, reported_settlement=2000) == [Contradiction.SETTLEMENT, Contradiction.LABEL]
    assert judged(PUT_BREACHED, 2025, reported_settlement=1975) == [Contradiction.SETTLEMENT, Contradiction.SIDE]


def test_without_a_bar_the_reported_settlement_is_judged_by() -> None:
    trade = ReportedCondor(MAX_PROFIT, 1.0, 2000.0, VIX_OF_ONE_PERCENT, settlement_price=2025.0)
    assert contradictions(trade, NO_BAR, SPEC) == LABEL
    assert contradictions(replace(trade, sd_multiplier=1.6), NO_BAR, SPEC) == FINE


@pytest.mark.parametrize(
    "trade",
    [
        ReportedCondor(MAX_PROFIT, 1.0, 2000.0, VIX_OF_ONE_PERCENT),
        ReportedCondor(MAX_PROFIT, 1.0, None, VIX_OF_ONE_PERCENT, settlement_price=2500.0),
        ReportedCondor(MAX_PROFIT, 1.0, 2000.0, None, settlement_price=2500.0),
        ReportedCondor(MAX_PROFIT, 1.0, 0.0, -1.0, settlement_price=2500.0),
    ],
    ids=["no settlement", "no price", "no VIX", "a price of 0"],
)
def test_what_is_not_known_is_not_judged(trade: ReportedCondor) -> None:
    assert contradictions(trade, NO_BAR, SPEC) == FINE
    assert contradictions(trade, SessionBar(None, None, None), SPEC) == FINE


def test_strikes_need_neither_price_nor_vix() -> None:
    trade = ReportedCondor(MAX_PROFIT, 1.0, put_short_strike=1965, call_short_strike=2035, settlement_price=2040)
    assert contradictions(trade, NO_BAR, SPEC) == LABEL


@pytest.mark.parametrize(("price", "vix"), [(None, None), (0.0, 0.0), (-2000.0, -1.0), (None, VIX_OF_ONE_PERCENT)])
def test_the_bar_fills_in_what_the_bot_does_not_say(price: float | None, vix: float | None) -> None:
    trade = ReportedCondor(MAX_PROFIT, 1.0, price, vix)
    assert contradictions(trade, settled_at(2025), SPEC) == LABEL
    assert contradictions(trade, settled_at(2010), SPEC) == FINE


def test_the_bots_own_entry_outweighs_the_bars() -> None:
    """Sold at 2010 the call stands at 2030.1; at twice the VIX at 2040."""
    later = ReportedCondor(MAX_PROFIT, 1.0, 2010.0)
    excited = ReportedCondor(MAX_PROFIT, 1.0, None, 2 * VIX_OF_ONE_PERCENT)
    for trade in (later, excited):
        assert contradictions(trade, settled_at(2028), SPEC) == FINE
    assert judged(MAX_PROFIT, 2028) == LABEL


@pytest.mark.parametrize(("outcome", "settlement"), [*product(OUTCOMES, (1900.0, 2000.0, 2100.0))])
def test_a_condor_that_is_closed_when_touched_may_end_either_way(outcome: str, settlement: float) -> None:
    touched = CondorSpec(management="touch")
    assert judged(outcome, settlement, spec=touched) == FINE
    assert judged(outcome, settlement, strikes=(1965, 2035), spec=touched) == FINE
    assert judged(outcome, settlement, reported_settlement=settlement + 50, spec=touched) == SETTLEMENT


def test_several_sessions_have_a_wider_expected_move() -> None:
    """At four sessions 40 points."""
    assert judged(MAX_PROFIT, 2035, spec=CondorSpec("open", 3)) == FINE
    assert judged(MAX_PROFIT, 2045, spec=CondorSpec("open", 3)) == LABEL
    assert judged(MAX_PROFIT, 2045, spec=CondorSpec("close", 4)) == LABEL


def test_training_and_service_ask_the_same_judge_about_the_same_trades() -> None:
    """Every outcome at many settlements, with the strikes of 1.6 expected moves and without."""
    checked = contradicted = 0
    for settlement, outcome, strikes in product(range(1960, 2045, 3), OUTCOMES, [(1965.0, 2035.0), (None, None)]):
        history = bars([float(settlement)])
        trade = ReportedTrade(DAY, outcome, None, 2000.0, VIX_OF_ONE_PERCENT, *strikes)
        joined = join_trades([trade], history, SPEC)
        found = contradictions(trade.condor, SessionBars(history, SPEC).get(DAY), SPEC)
        assert joined.checked == 1
        assert joined.contradicted == (Contradiction.LABEL in found)
        checked += joined.checked
        contradicted += joined.contradicted
    assert 0 < contradicted < checked


WHOLE = bars([2040.0])
PARTIAL = MarketHistory(WHOLE.sessions, WHOLE.columns | {"vix_open": np.array([math.nan])})
"""The settlement is known, VIX at the entry is not."""


@pytest.mark.parametrize("history", [None, PARTIAL], ids=["no bar", "a bar without its entry"])
@pytest.mark.parametrize(("outcome", "rows"), [(MAX_PROFIT, 0), (CALL_BREACHED, 1)])
def test_a_label_that_the_service_contradicts_is_never_trained_on(
    history: MarketHistory | None, outcome: str, rows: int
) -> None:
    """Short strikes at 1965 and 2035, settled at 2040: reported by the bot, or known from the bars."""
    trade = ReportedTrade(DAY, outcome, 1.0, 2000.0, VIX_OF_ONE_PERCENT, 1965.0, 2035.0, 2040.0)
    found = contradictions(trade.condor, SessionBars(history, SPEC).get(DAY), SPEC)
    joined = join_trades([trade], history, SPEC)
    assert (joined.checked, joined.contradicted) == (1, Contradiction.LABEL in found) == (1, rows == 0)
    assert len(joined.rows) == rows
