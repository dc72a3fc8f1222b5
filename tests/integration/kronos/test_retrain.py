"""Retraining: which sessions and trades a challenger learns from, and which it is judged by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks.gate_errors import reports
from benchmarks.spoiled import BARS, Case, Spoil, reports_flipped, reports_lie_in_keeping, reports_vix_times_100
from kronos.condor.spec import DEFAULT_COLUMN, CondorSpec
from kronos.features.variants import MARKET, MINIMAL
from kronos.market.history import MarketHistory
from kronos.model.artefact import Artefact
from kronos.model.gate import GateLimits
from kronos.model.model import Model
from kronos.progress import silent
from kronos.retraining.evidence import predict_forward, unseen_rows
from kronos.retraining.reported_trades import ReportedTrade, join_trades
from kronos.retraining.retrain import RetrainResult, retrain
from kronos.training.export import train
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows, build_rows, rows_of
from tests.support.recipes import QUICK
from tests.support.shared import AGED_THROUGH, made_once

TODAY = date(2019, 1, 2)
LATE_CUT = np.datetime64("2018-10-17")
"""51 sessions of the sample follow."""
SHORT_START = np.datetime64("2014-06-02")
"""From here to the late cut are enough sessions to train on, and few."""


def trained(
    sample: MarketHistory, spec: CondorSpec, *, start: np.datetime64 | None = None, end: np.datetime64
) -> bytes:
    rows = build_rows(sample, spec, start=start, end=end)[0]
    return train(rows, spec, sample, recipe=QUICK).artefact.to_bytes()


@pytest.fixture(scope="module")
def champion(sample: MarketHistory, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Trained to the middle of 2018."""
    return made_once(tmp_path_factory, "quick-champion", lambda: trained(sample, spec, end=AGED_THROUGH))


@pytest.fixture(scope="module")
def late_champion(sample: MarketHistory, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return made_once(tmp_path_factory, "quick-late-champion", lambda: trained(sample, spec, end=LATE_CUT))


@pytest.fixture(scope="module")
def short_champion(sample: MarketHistory, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """As late, from less history, so that a retraining takes a second."""
    return made_once(
        tmp_path_factory, "quick-short-champion", lambda: trained(sample, spec, start=SHORT_START, end=LATE_CUT)
    )


def retrained(
    champion: bytes,
    history: MarketHistory | None,
    trades: Sequence[ReportedTrade] = (),
    *,
    forced: bool = False,
    recipe: Recipe = QUICK,
) -> RetrainResult:
    return retrain(champion, history, trades, GateLimits(), TODAY, forced=forced, recipe=recipe)


@pytest.fixture
def case(sample: MarketHistory, spec: CondorSpec) -> Case:
    """What has happened since the late champion, and fifty honest reports of it."""
    first_new = int(np.searchsorted(sample.sessions, LATE_CUT, side="right"))
    return Case(sample, first_new, reports(sample, spec, first_new), np.random.default_rng(0), spec)


def rows_in(result: RetrainResult) -> TrainingRows:
    assert result.challenger is not None
    return rows_of(result.challenger.artefact)


def test_a_trade_of_the_future_teaches_nothing_and_is_counted(champion: bytes, sample: MarketHistory) -> None:
    trades = [
        ReportedTrade(date(2030, 12, 30), "MAX_PROFIT", 1.0, 2500.0, 20.0),
        ReportedTrade(date(2018, 12, 28), "MAX_PROFIT"),
    ]
    result = retrained(champion, sample, trades)
    assert result.promoted, result.reason
    assert str(rows_in(result).sessions[-1]) == "2018-12-31"
    assert result.figures["trades_from_the_future"] == 1
    assert result.figures["trades_checked"] == 1
    json.dumps(result.figures, allow_nan=False)


def test_a_trade_without_bars_does_not_rejuvenate_the_model_nor_hide_sessions(
    champion: bytes, sample: MarketHistory
) -> None:
    """Bars that come later, for sessions before such a trade, are still learned from."""
    trade = ReportedTrade(date(2018, 12, 31), "MAX_PROFIT", 1.0, 2500.0, 27.0)
    until_autumn = sample.slice(0, int(np.searchsorted(sample.sessions, np.datetime64("2018-10-01"))))
    first = retrained(champion, until_autumn, [trade], forced=True)
    assert rows_in(first).sessions[-1] == np.datetime64("2018-12-31")
    assert first.challenger is not None
    assert Model.from_artefact(first.challenger.artefact).trained_through == date(2018, 9, 28)
    rows = rows_in(retrained(first.challenger.artefact.to_bytes(), sample, forced=True))
    assert rows.from_the_market().all()
    assert len(rows) == len(sample) - 1


def test_the_entry_really_traded_replaces_the_bars_own(champion: bytes, sample: MarketHistory) -> None:
    session = sample.sessions[-10]
    price, vix = float(sample.spx_open[-10]) + 5, float(sample.vix_close[-11]) + 1
    joined = join_trades([ReportedTrade(session.item(), "MAX_PROFIT", 1.0, price, vix)], sample, CondorSpec())
    assert (joined.rows.price[0], joined.rows.vix[0]) == (price, vix)
    assert joined.checked == 1
    assert joined.rows.from_the_market().all()


def test_a_trade_without_bars_is_one_label_at_its_own_multiplier(sample: MarketHistory) -> None:
    day = date(2019, 3, 1)
    trades = [
        ReportedTrade(day, "PUT_BREACHED", 1.2, 2800.0, 14.0),
        ReportedTrade(date(2019, 3, 4), "MAX_PROFIT", 1.05, 2800.0, 14.0),
    ]
    joined = join_trades(trades, sample, CondorSpec())
    assert joined.rows.sessions.tolist() == [day]
    labels = joined.rows.labels[0]
    assert labels[6] == 0.0
    assert np.isnan(np.delete(labels, 6)).all()
    assert joined.rows.complete(MINIMAL).all()
    assert not joined.rows.complete(MARKET).any()
    assert joined.unusable == 1


def test_force_promotes_where_the_gate_cannot_judge(sample: MarketHistory, spec: CondorSpec) -> None:
    short = trained(sample, spec, end=np.datetime64("2017-01-31"))
    history = sample.slice(0, int(np.searchsorted(sample.sessions, np.datetime64("2017-03-01"))))
    refused, forced = (retrained(short, history, forced=forced) for forced in (False, True))
    assert not refused.promoted
    assert str(refused.reason).startswith("insufficient_evidence")
    assert refused.challenger is not None
    assert forced.promoted
    assert forced.reason is None
    assert forced.figures == refused.figures


def test_without_market_days_the_champions_rows_are_kept(short_champion: bytes) -> None:
    result = retrained(short_champion, None)
    own = rows_of(Artefact.from_bytes(short_champion))
    np.testing.assert_array_equal(rows_in(result).sessions, own.sessions)


def test_fifty_honest_outcomes_of_fifty_new_sessions_are_promoted(short_champion: bytes, case: Case) -> None:
    result = retrained(short_champion, case.history, case.trades)
    assert result.promoted, result.reason
    assert result.figures["trades_checked"] == 50
    assert 45 <= result.figures["confirmation_sessions"] <= 51
    assert result.figures["champion_log_loss"] != result.figures["challenger_log_loss"]


@pytest.mark.parametrize("spoiled", ["outcomes flipped", "VIX x 100", "VIX x 3", "VIX shuffled", "VIX a day late"])
def test_spoiled_bars_are_refused_with_figures(short_champion: bytes, case: Case, spoiled: str) -> None:
    """Without reports, which would contradict them."""
    result = retrained(short_champion, BARS[f"bars: {spoiled}"](case).history)
    assert not result.promoted
    assert str(result.reason).startswith("implausible_data: ")
    assert {"limits", "confirmation_sessions", "surprise", "log_loss", "recent_shift"} <= result.figures.keys()


@pytest.mark.parametrize("spoil", [reports_flipped, reports_vix_times_100])
def test_reports_that_the_market_contradicts_are_refused_before_training_with_figures(
    short_champion: bytes, case: Case, spoil: Spoil
) -> None:
    result = retrained(short_champion, case.history, spoil(case).trades)
    assert str(result.reason).startswith("the reported trades contradict the market: of 50 checked")
    assert result.challenger is None
    assert {"limits", "confirmation_sessions", "confirmation_losses", "surprise"} <= result.figures.keys()


def test_lies_in_keeping_with_the_settlement_do_not_vouch_for_themselves(short_champion: bytes, case: Case) -> None:
    """The challenger learns from them; the bars judge it."""
    result = retrained(short_champion, case.history, reports_lie_in_keeping(case).trades)
    assert result.figures["trades_contradicted"] <= 2
    assert not result.promoted
    assert "log_loss" in str(result.reason)


def test_trades_without_bars_are_judged_by_the_minimal_variant(late_champion: bytes, case: Case) -> None:
    known = case.history.slice(0, case.first_new)
    honest = retrained(late_champion, known, case.trades)
    assert honest.promoted, honest.reason
    assert honest.figures["confirmation_sessions_without_bars"] >= 45
    assert honest.figures["champion_log_loss"] != honest.figures["challenger_log_loss"]
    for spoil, figure in ((reports_flipped, "surprise"), (reports_vix_times_100, "unlike_share")):
        refused = retrained(late_champion, known, spoil(case).trades)
        assert not refused.promoted
        assert f"implausible_data: {figure}" in str(refused.reason)


def test_flipped_trades_without_bars_are_refused_from_little_history_too(short_champion: bytes, case: Case) -> None:
    known = case.history.slice(0, case.first_new)
    refused = retrained(short_champion, known, reports_flipped(case).trades)
    assert "implausible_data: surprise" in str(refused.reason)


def test_a_champion_that_knows_all_sessions_leaves_nothing_to_judge_by(sample: MarketHistory, spec: CondorSpec) -> None:
    knowing = trained(sample, spec, start=SHORT_START, end=sample.sessions[-1])
    result = retrained(knowing, sample, reports(sample, spec, len(sample) - 60))
    assert str(result.reason).startswith("insufficient_evidence: 0 settled sessions since the champion's last")
    assert {"limits", "trades_checked", "skill_lost", "recent_shift"} <= result.figures.keys()


def test_sessions_that_fill_holes_before_the_champions_end_do_not_judge(
    sample: MarketHistory, spec: CondorSpec
) -> None:
    rows = build_rows(sample, spec, start=SHORT_START)[0]
    seen = rows.take(np.arange(len(rows)) % 8 != 1)
    holes = train(seen, spec, recipe=QUICK).artefact.to_bytes()
    result = retrained(holes, sample)
    assert result.figures["sessions_before"] == len(seen)
    assert result.figures["sessions_now"] == len(rows)
    assert result.figures["confirmation_sessions"] == 0
    assert str(result.reason).startswith("insufficient_evidence")


def test_where_an_instrument_is_missing_the_variant_that_answers_without_it_judges(
    late_champion: bytes, case: Case, spec: CondorSpec
) -> None:
    """Half of the new sessions follow one that lacks VIX9D, so that `full` answers there where `term` would."""
    champion = Model.from_bytes(late_champion)
    assert champion.richest.name == "term"
    history = case.with_new(vix9d_close=np.where(np.arange(50) < 25, np.nan, 12.0)).history
    result = retrained(late_champion, history)
    assert result.figures["confirmation_sessions"] == 49
    settled, own = build_rows(history, spec)[0], rows_of(Artefact.from_bytes(late_champion))
    unseen = unseen_rows(own, settled, champion, spec.horizon_sessions, 250)
    answering = [unseen.served[at].name for at in unseen.by]
    assert answering == ["full"] * 25 + ["term"] * 24
    curves = [
        champion.served_curves(name, unseen.rows.take(np.array([at])).of_variant(champion.variants[name].variant))
        for at, name in enumerate(answering)
    ]
    served = unseen.as_served(champion).champion
    np.testing.assert_allclose(served, [curve[0, DEFAULT_COLUMN] for curve in curves])


def test_of_many_new_sessions_the_newest_judge(sample: MarketHistory, spec: CondorSpec) -> None:
    """Seventeen months of them."""
    old = trained(sample, spec, end=np.datetime64("2017-01-31"))
    until_summer = sample.slice(0, int(np.searchsorted(sample.sessions, AGED_THROUGH, side="right")))
    result = retrained(old, until_summer)
    assert result.figures["sessions_now"] - result.figures["sessions_before"] == 356
    assert result.figures["confirmation_sessions"] == GateLimits().confirmation_sessions == 250
    assert result.promoted, result.reason


def test_new_sessions_begin_after_the_last_trade_of_the_champion_has_settled(
    champion: bytes, sample: MarketHistory, spec: CondorSpec
) -> None:
    rows, model = build_rows(sample, spec)[0], Model.from_bytes(champion)
    new = unseen_rows(rows.take(slice(1000)), rows, model, gap_sessions=5, newest=100)
    assert new.rows.sessions[0] == rows.sessions[-100]
    few = unseen_rows(rows.take(slice(1200)), rows, model, gap_sessions=5, newest=100)
    assert few.rows.sessions.tolist() == rows.sessions[1205:].tolist()


def test_no_label_of_a_new_session_reaches_its_own_block_or_an_earlier_one(
    champion: bytes, sample: MarketHistory, spec: CondorSpec
) -> None:
    rows = build_rows(sample, spec, start=SHORT_START)[0]
    own, gap = rows.take(slice(len(rows) - 51)), spec.horizon_sessions
    labels = rows.labels.copy()
    labels[-26:] = 1 - labels[-26:]
    before, after = (
        predict_forward(
            [unseen_rows(own, rows, Model.from_bytes(champion), gap, 250)],
            given,
            train(given, spec, recipe=QUICK),
            gap,
            QUICK,
            silent(""),
        )
        for given in (rows, replace(rows, labels=labels))
    )
    assert len(before) == 50
    np.testing.assert_array_equal(before[:25], after[:25])
    assert (before[30:] != after[30:]).all()
