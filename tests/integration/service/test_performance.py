"""GET /performance over real HTTP and Postgres: figures against plain arithmetic, and what is left out of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from kronos.backtest import backtest
from kronos.condor.entry import PriceSource, price_sources
from kronos.condor.labels import wins
from kronos.condor.spec import CondorSpec
from kronos.condor.strikes import expected_move, listed_strikes
from kronos.features.variants import TERM
from kronos.market.history import MarketHistory
from kronos.model.model import Model
from kronos.training.rows import TrainingRows
from tests.support.in_process import InProcessService, StartService
from tests.support.lived import ask, logged, report, trade
from tests.support.processes import Databases, query
from tests.support.running_service import RunningService
from tests.support.shared import AGED_THROUGH

WINDOW = "/performance?start=2018-01-01&end=2018-12-31"
PAYS_ITS_SLIPPAGE = 22.0
"""At a VIX above this, the modelled credit of a condor covers its slippage."""


@pytest.fixture(scope="module")
def later(sample_rows: TrainingRows) -> TrainingRows:
    """The sessions that the model has not seen."""
    return sample_rows.take(sample_rows.sessions > AGED_THROUGH)


class HalfYear:
    """ARES asks every session at 1.0, trades what it is not advised against, at 1.1 on every third session."""

    def __init__(self, service: RunningService, rows: TrainingRows) -> None:
        self.service = service
        self.advice = [ask(service, rows, at) for at in range(len(rows))]
        logged(service, len(rows))
        self.trades: list[dict[str, Any]] = []
        self.followed: list[dict[str, Any]] = []
        for at, said in enumerate(self.advice):
            if said["advice"] != "SKIP_TODAY":
                named = {"advice_id": said["advice_id"]} if at % 2 else {}
                self.trades.append(trade(rows, at, 1.1 if at % 3 == 0 else 1.0, **named))
                self.followed.append(said)
        report(service, self.trades)

    def said(self, name: str) -> list[float]:
        """What the curves say at the multipliers that were traded: both are points of the grid."""
        return [
            next(point[name] for point in said["curve"] if point["sd_multiplier"] == made["sd_multiplier"])
            for said, made in zip(self.followed, self.trades, strict=True)
        ]

    @property
    def won(self) -> list[bool]:
        return [made["outcome"] == "MAX_PROFIT" for made in self.trades]


@pytest.fixture(scope="module")
def half_year(
    databases: Databases, aged_template: str, later: TrainingRows, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HalfYear]:
    service = InProcessService(databases.make(aged_template), tmp_path_factory.mktemp("lived")).start()
    yield HalfYear(service, later)
    service.stop()


def performance(service: RunningService, path: str = WINDOW) -> dict[str, Any]:
    reply = service.request("GET", path)
    assert reply.status == 200, reply.data
    answer: dict[str, Any] = reply.json()
    return answer


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def brier(said: list[float], won: list[bool]) -> float:
    return mean([(p - w) ** 2 for p, w in zip(said, won, strict=True)])


def nats(said: list[float], won: list[bool]) -> float:
    return -mean([math.log(p if w else 1 - p) for p, w in zip(said, won, strict=True)])


def test_the_calibration_is_that_of_the_curves_at_the_multipliers_traded(half_year: HalfYear) -> None:
    found = performance(half_year.service)["calibration"]
    said, base, won = half_year.said("win_probability"), half_year.said("base_rate"), half_year.won
    assert (found["observations"], found["sessions"], found["wins"]) == (len(won), len(won), sum(won))
    assert found["mean_probability"] == pytest.approx(mean(said))
    assert found["mean_base_rate"] == pytest.approx(mean(base))
    assert found["expected_wins"] == pytest.approx(sum(said))
    assert found["brier"] == pytest.approx(brier(said, won))
    assert found["base_rate_brier"] == pytest.approx(brier(base, won))
    assert found["brier_skill"] == pytest.approx(1 - brier(said, won) / brier(base, won))
    assert found["log_loss"] == pytest.approx(nats(said, won))
    assert found["base_rate_log_loss"] == pytest.approx(nats(base, won))
    low, high = found["expected_wins_interval"]
    spread = math.sqrt(sum(p * (1 - p) for p in said))
    assert low == pytest.approx(sum(said) - 1.96 * spread, abs=1.5)
    assert high == pytest.approx(sum(said) + 1.96 * spread, abs=1.5)


def rates_before(sample: MarketHistory, sessions: list[str], put: list[float], call: list[float]) -> list[float]:
    """(wins + 0.5) / (n + 1) of the 252 sessions before each of these, at its own distances."""
    assert not any(source.is_left_out for source in map(PriceSource, np.unique(price_sources(sample, CondorSpec()))))
    found = []
    for session, *distances in zip(sessions, put, call, strict=True):
        stop = int(np.searchsorted(sample.sessions, np.datetime64(session)))
        at_put, at_call = ([distance] for distance in distances)
        before = wins(sample, CondorSpec(), at_put, at_call)[:stop, 0]
        recent = before[~np.isnan(before)][-252:]
        found.append(float((recent.sum() + 0.5) / (len(recent) + 1)))
    return found


def test_the_recent_base_rate_is_that_of_the_year_before_each_session(
    half_year: HalfYear, sample: MarketHistory
) -> None:
    found = performance(half_year.service)["calibration"]
    at = [made["sd_multiplier"] for made in half_year.trades]
    recent = rates_before(sample, [made["trade_date"] for made in half_year.trades], at, at)
    said, won = half_year.said("win_probability"), half_year.won
    assert found["recent_observations"] == len(won)
    assert found["mean_recent_rate"] == pytest.approx(mean(recent))
    assert found["recent_rate_brier"] == pytest.approx(brier(recent, won))
    assert found["brier_skill_recent"] == pytest.approx(1 - brier(said, won) / brier(recent, won))
    low, high = found["brier_skill_recent_interval"]
    assert low < found["brier_skill_recent"] < high


def test_the_reliability_bins_hold_every_observation(half_year: HalfYear) -> None:
    found = performance(half_year.service)["calibration"]
    assert len(found["bins"]) == min(10, len(half_year.won) // 10)
    assert sum(one["count"] for one in found["bins"]) == len(half_year.won)
    assert sum(one["count"] * one["win_rate"] for one in found["bins"]) == pytest.approx(sum(half_year.won))
    gaps = [one["count"] * abs(one["mean_probability"] - one["win_rate"]) for one in found["bins"]]
    assert found["ece"] == pytest.approx(sum(gaps) / len(half_year.won))
    assert all(one["win_rate_low"] <= one["win_rate"] <= one["win_rate_high"] + 1e-9 for one in found["bins"])


def test_nothing_is_left_out_without_reason(half_year: HalfYear) -> None:
    assert set(performance(half_year.service)["left_out"].values()) == {0}


@pytest.mark.parametrize("advice", ["TRADE_FULL", "TRADE_REDUCED", "SKIP_TODAY"])
def test_money_and_wins_by_advice(half_year: HalfYear, advice: str) -> None:
    (found,) = [one for one in performance(half_year.service)["by_advice"] if one["advice"] == advice]
    chosen = [at for at, said in enumerate(half_year.followed) if said["advice"] == advice]
    money = [half_year.trades[at]["net_pnl"] for at in chosen]
    assert found["sessions"] == sum(said["advice"] == advice for said in half_year.advice) > 0
    assert (found["trades"], found["scored_trades"]) == (len(chosen), len(chosen))
    assert found["total_net_pnl_dollars"] == pytest.approx(sum(money))
    if chosen:
        assert found["mean_net_pnl_dollars"] == pytest.approx(mean(money))
        assert found["win_rate"] == pytest.approx(mean([half_year.won[at] for at in chosen]))
        assert found["mean_probability"] == pytest.approx(
            mean([half_year.said("win_probability")[at] for at in chosen])
        )
    else:
        assert (found["mean_net_pnl_dollars"], found["win_rate"], found["mean_probability"]) == (None, None, None)


def test_skipped_sessions_are_modelled_apart_and_say_so(half_year: HalfYear, sample: MarketHistory) -> None:
    answer = performance(half_year.service)
    found = answer["skipped"]
    skipped = [said for said in half_year.advice if said["advice"] == "SKIP_TODAY"]
    whole = backtest(sample, CondorSpec(), sd_multipliers=(1.0,))
    chosen = np.isin(whole.sessions, np.array([said["session"] for said in skipped], dtype="datetime64[D]"))
    net = whole.net_pnl_dollars[chosen, 0][whole.trades.sold[chosen, 0]]
    assert found["modelled"] is True
    assert "Modelled, not traded" in found["note"]
    sold = whole.trades.sold[chosen, 0]
    assert (found["sessions"], found["modelled_sessions"]) == (len(skipped), int(sold.sum()))
    assert found["not_modelled"] == len(skipped) - sold.sum() < 3
    assert found["total_net_pnl_dollars"] == pytest.approx(net.sum())
    assert found["mean_net_pnl_dollars"] == pytest.approx(net.mean())
    assert found["win_rate"] == pytest.approx(
        1 - np.maximum(whole.put_breached, whole.call_breached)[chosen, 0][sold].mean()
    )
    worlds = {one["world"]: one for one in found["worlds"]}
    assert list(worlds) == ["vix_only", "short_dated", "efficient"]
    assert worlds["vix_only"]["total_net_pnl_dollars"] == found["total_net_pnl_dollars"]
    fair = np.array([said["listed_fair_credit_points"] for said in skipped])
    paid = whole.trades.endings.cost_points[chosen, 0]
    efficient = (100 * (fair - 0.3 - paid) - 2.6)[fair >= 0.3]
    assert worlds["efficient"]["sessions"] == len(efficient)
    assert worlds["efficient"]["total_net_pnl_dollars"] == pytest.approx(efficient.sum())
    said_of_sold = [said["win_probability"] for said, was_sold in zip(skipped, sold, strict=True) if was_sold]
    assert found["mean_probability"] == pytest.approx(mean(said_of_sold))
    assert answer["reported"]["total_net_pnl_dollars"] == pytest.approx(
        sum(made["net_pnl"] for made in half_year.trades)
    )


def test_drift_compares_the_features_that_were_answered_with(half_year: HalfYear) -> None:
    answer = performance(half_year.service)
    by_name = {one["feature"]: one for one in answer["drift"]}
    assert set(by_name) == set(TERM.feature_names)
    for name, found in by_name.items():
        live = [said["features"][name]["value"] for said in half_year.advice]
        assert found["live_mean"] == pytest.approx(mean(live))
        assert found["sessions"] == len(live)
        assert found["verdict"] in {"ok", "watch", "shifted"}
        assert 0 <= found["outside_range"] <= 1
    assert by_name["day_of_week"]["verdict"] == "ok"


def test_what_was_said_is_counted(half_year: HalfYear) -> None:
    answer = performance(half_year.service)
    degraded = sum(said["status"] == "degraded" for said in half_year.advice)
    assert answer["champion"] == "1.0.0"
    assert answer["advised"] == {
        "sessions": len(half_year.advice),
        "in_sample": 0,
        "training_unknown": 0,
        "replayed": len(half_year.advice),
        "model_versions": {"1.0.0": len(half_year.advice)},
        "statuses": {"ok": len(half_year.advice) - degraded, "degraded": degraded},
        "reasons": {"out_of_domain": degraded},
        "variants": {"term": len(half_year.advice)},
    }


def test_of_another_bot_and_in_another_window_there_is_nothing(half_year: HalfYear) -> None:
    for path in (f"{WINDOW}&bot=other", "/performance", "/performance?end=2017-12-31", "/performance?end=0001-01-05"):
        answer = performance(half_year.service, path)
        assert answer["calibration"] is None
        assert answer["drift"] == []
        assert answer["reported"] == {"trades": 0, "total_net_pnl_dollars": 0.0, "mean_net_pnl_dollars": None}
        assert answer["skipped"]["sessions"] == 0
        assert answer["skipped"]["total_net_pnl_dollars"] is None
    same = performance(half_year.service, f"{WINDOW}&bot=ares")
    assert same == performance(half_year.service) | {"bot": "ares"}


BAD_QUERIES = {
    "start after end": "start=2018-02-01&end=2018-01-01",
    "start after today": "start=2999-01-01",
    "too long": "start=2000-01-01&end=2018-01-01",
    "from the beginning of time": "start=0001-01-01",
    "no date": "start=yesterday",
    "impossible date": "end=2018-02-30",
    "date as digits": "start=1543795200",
    "empty bot": "bot=",
    "bot with a space": "bot=a%20b",
    "bot with NUL": "bot=a%00b",
    "long bot": f"bot={'a' * 129}",
}


@pytest.mark.parametrize("asked", BAD_QUERIES.values(), ids=BAD_QUERIES.keys())
def test_a_bad_query_is_422_and_not_echoed(live_service: RunningService, asked: str) -> None:
    reply = live_service.request("GET", f"/performance?{asked}")
    assert reply.status == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert "yesterday" not in reply.data.decode()


def test_without_a_model_and_without_bars_it_still_answers(service: RunningService, later: TrainingRows) -> None:
    report(service, [trade(later, 0)])
    answer = performance(service)
    assert (answer["champion"], answer["calibration"], answer["drift"]) == (None, None, [])
    assert answer["left_out"]["unmatched"] == answer["reported"]["trades"] == 1


def test_what_the_model_was_trained_on_is_not_scored(aged_service: RunningService, sample_rows: TrainingRows) -> None:
    """The last session of training is in its sample, the first after is not."""
    last = int(np.flatnonzero(sample_rows.sessions == AGED_THROUGH)[0])
    for at in (last - 1, last, last + 1):
        ask(aged_service, sample_rows, at)
    logged(aged_service, 3)
    report(aged_service, [trade(sample_rows, at) for at in (last - 1, last, last + 1)])
    answer = performance(aged_service)
    assert answer["left_out"]["in_sample"] == answer["advised"]["in_sample"] == 2
    assert answer["calibration"]["observations"] == 1
    assert answer["reported"]["trades"] == 3
    assert sum(one["trades"] for one in answer["by_advice"]) == 1
    assert sum(one["sessions"] for one in answer["by_advice"]) == 1
    query(aged_service.database_url, "UPDATE advice_log SET trained_through = NULL")
    unknown = performance(aged_service)
    assert unknown["left_out"]["training_unknown"] == unknown["advised"]["training_unknown"] == 3
    assert unknown["calibration"] is None


def test_the_advice_is_the_one_named_else_the_first_of_the_session(
    aged_service: RunningService, later: TrainingRows
) -> None:
    """Three answers a session, each to another VIX: the later ones know more of the day than the entry did."""
    first = ask(aged_service, later, 0, vix=14.0)
    second = ask(aged_service, later, 0, vix=19.0)
    logged(aged_service, 2)
    report(aged_service, [trade(later, 0)])
    third = ask(aged_service, later, 0, vix=24.0)
    logged(aged_service, 3)
    assert len({one["win_probability"] for one in (first, second, third)}) == 3
    assert performance(aged_service)["calibration"]["mean_probability"] == pytest.approx(first["win_probability"])
    report(aged_service, [trade(later, 0, 1.1, advice_id=second["advice_id"])])
    named = next(point["win_probability"] for point in second["curve"] if point["sd_multiplier"] == 1.1)
    found = performance(aged_service)["calibration"]
    assert (found["observations"], found["sessions"]) == (2, 1)
    assert found["expected_wins"] == pytest.approx(first["win_probability"] + named)


def test_between_grid_points_the_curve_is_linear_and_without_a_report_the_advised_multiplier_counts(
    aged_service: RunningService, later: TrainingRows
) -> None:
    said = [ask(aged_service, later, at, sd_multiplier=1.25) for at in (0, 1)]
    logged(aged_service, 2)
    made = [trade(later, 0), trade(later, 1)]
    made[0]["sd_multiplier"] = 0.93
    del made[1]["sd_multiplier"]
    report(aged_service, made)
    at = {round(point["sd_multiplier"], 1): point["win_probability"] for point in said[0]["curve"]}
    assert said[1]["suggested_sd_multiplier"] == 1.25
    expected = 0.7 * at[0.9] + 0.3 * at[1.0] + said[1]["win_probability"]
    assert performance(aged_service)["calibration"]["expected_wins"] == pytest.approx(expected)


def test_advice_of_another_bot_or_session_does_not_count(aged_service: RunningService, later: TrainingRows) -> None:
    foreign = ask(aged_service, later, 0, bot="other")
    yesterday = ask(aged_service, later, 0)
    today = ask(aged_service, later, 1)
    logged(aged_service, 3)
    report(
        aged_service,
        [
            trade(later, 2, advice_id=foreign["advice_id"]),
            trade(later, 1, advice_id=yesterday["advice_id"]),
            trade(later, 3, advice_id="00000000-0000-0000-0000-000000000000"),
        ],
    )
    answer = performance(aged_service)
    assert answer["left_out"]["unmatched"] == 2
    assert answer["calibration"]["mean_probability"] == pytest.approx(today["win_probability"])


def test_a_label_that_the_settlement_contradicts_is_not_scored_but_its_money_counts(
    aged_service: RunningService, later: TrainingRows
) -> None:
    ask(aged_service, later, 0)
    logged(aged_service, 1)
    seen: dict[str, Any] = {"features": {"vix": float(later.vix[0]), "price": float(later.price[0])}}
    wrong = "CALL_BREACHED" if later.labels[0, 4] else "MAX_PROFIT"
    report(aged_service, [trade(later, 0, outcome=wrong, net_pnl=-10.5, **seen)])
    answer = performance(aged_service)
    assert answer["left_out"]["label_contradicted"] == 1
    assert answer["calibration"] is None
    (under,) = [one for one in answer["by_advice"] if one["trades"]]
    assert (under["scored_trades"], under["win_rate"], under["total_net_pnl_dollars"]) == (0, None, -10.5)


def test_several_trades_of_one_settlement_are_one_observation_and_all_money(
    aged_service: RunningService, later: TrainingRows
) -> None:
    for bot in ("ares", "other"):
        ask(aged_service, later, 0, bot=bot)
    logged(aged_service, 2)
    first = trade(later, 0)
    report(aged_service, [first, first | {"trade_id": "second"}, first | {"bot": "other"}])
    answer = performance(aged_service)
    assert answer["left_out"]["repeated"] == 2
    assert answer["calibration"]["observations"] == 1
    assert answer["reported"]["total_net_pnl_dollars"] == pytest.approx(3 * first["net_pnl"])
    assert performance(aged_service, f"{WINDOW}&bot=other")["left_out"]["repeated"] == 0


def listed_trade(rows: TrainingRows, at: int, close: float) -> dict[str, Any]:
    """The session's condor at the strikes listed beyond the multiplier of 1."""
    move = expected_move(rows.price[at : at + 1], rows.vix[at : at + 1], 1)
    strikes = listed_strikes(rows.price[at : at + 1], move, CondorSpec())
    put, call = float(strikes.put_short[0]), float(strikes.call_short[0])
    outcome = "MAX_PROFIT" if put <= close <= call else "PUT_BREACHED"
    return trade(rows, at, outcome=outcome, put_short_strike=put, call_short_strike=call)


def test_listed_strikes_are_scored_at_their_own_distances(
    aged_service: RunningService, aged_artefact: bytes, later: TrainingRows, sample: MarketHistory
) -> None:
    """Price and VIX at entry as reported, on every second session, else those that the advice was asked with."""
    said = [ask(aged_service, later, at) for at in range(30)]
    logged(aged_service, 30)
    trades, put, call = [], [], []
    for at in range(30):
        made = listed_trade(later, at, float(sample.spx_close[np.searchsorted(sample.sessions, later.sessions[at])]))
        price, vix = float(later.price[at]), float(later.vix[at])
        if at % 2:
            price, vix = price * 1.001, vix * 1.02
            made["features"] = {"price": price, "vix": vix}
        trades.append(made)
        put.append((price - made["put_short_strike"]) / expected_move(price, vix, 1))
        call.append((made["call_short_strike"] - price) / expected_move(price, vix, 1))
    report(aged_service, trades)
    found = performance(aged_service)["calibration"]
    won_all = [made["outcome"] == "MAX_PROFIT" for made in trades]
    assert (found["observations"], found["wins"]) == (30, sum(won_all))
    model = Model.from_bytes(aged_artefact)
    for name, mean_of_them in (("win_probability", "mean_probability"), ("base_rate", "mean_base_rate")):
        expected = []
        for one, at_put, at_call in zip(said, put, call, strict=True):
            points, curve = ([point[key] for point in one["curve"]] for key in ("sd_multiplier", name))
            loss_put, loss_call = (1 - np.interp(at, points, curve) for at in (at_put, at_call))
            share_put, share_call = (
                np.interp(at, model.multipliers, model.loss_shape.put_share) for at in (at_put, at_call)
            )
            expected.append(1 - share_put * loss_put - (1 - share_call) * loss_call)
        assert found[mean_of_them] == pytest.approx(mean(expected))
    recent = rates_before(sample, [made["trade_date"] for made in trades], put, call)
    assert found["recent_rate_brier"] == pytest.approx(brier(recent, won_all))


def test_without_bars_of_the_year_before_there_is_no_recent_rate(
    start_service: StartService, aged_database_url: str, later: TrainingRows
) -> None:
    query(aged_database_url, "DELETE FROM market_days WHERE session < '2018-05-01'")
    service = start_service(aged_database_url)
    ask(service, later, 0)
    logged(service, 1)
    report(service, [trade(later, 0)])
    found = performance(service)["calibration"]
    assert (found["observations"], found["recent_observations"]) == (1, 0)
    for name in ("mean_recent_rate", "recent_rate_brier", "brier_skill_recent", "brier_skill_recent_interval"):
        assert found[name] is None


def test_a_skipped_session_that_was_traded_after_all_or_has_no_bar_is_not_modelled(
    aged_service: RunningService, later: TrainingRows
) -> None:
    traded, skipped = np.flatnonzero(later.vix > PAYS_ITS_SLIPPAGE)[:2].tolist()
    for at in (traded, skipped):
        ask(aged_service, later, at)
    aged_service.request("POST", "/advice", {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z"})
    logged(aged_service, 3)
    query(aged_service.database_url, "UPDATE advice_log SET advice = 'SKIP_TODAY'")
    report(aged_service, [trade(later, traded)])
    found = performance(aged_service, "/performance?start=2018-07-01&end=2019-06-30")["skipped"]
    assert (found["sessions"], found["modelled_sessions"], found["not_modelled"]) == (2, 1, 1)


def test_a_model_without_skill_is_scored_on_what_it_said(aged_service: RunningService, later: TrainingRows) -> None:
    """Such a model says its base rates: its skill is exactly none."""
    ask(aged_service, later, 0)
    logged(aged_service, 1)
    query(
        aged_service.database_url,
        """UPDATE advice_log SET reply = jsonb_set(reply, '{curve}', (
             SELECT jsonb_agg(point || jsonb_build_object('win_probability', point -> 'base_rate'))
             FROM jsonb_array_elements(reply -> 'curve') AS point))""",
    )
    report(aged_service, [trade(later, 0)])
    found = performance(aged_service)["calibration"]
    assert found["mean_probability"] == found["mean_base_rate"]
    assert found["brier_skill"] == 0
