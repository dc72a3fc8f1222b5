"""The report: one page that needs nothing else, whose figures are the evaluation's, and whose sums are right."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import kronos.report.study
from kronos.cli import main
from kronos.condor.spec import MULTIPLIERS, SD_MULTIPLIERS, CondorSpec
from kronos.errors import TrainingRefusedError
from kronos.features.variants import FULL, MINIMAL, Variant, variant_named
from kronos.market.history import MarketHistory
from kronos.model.curve import CurveModel, Logistic, PiecewiseLinearCalibrator, Trees
from kronos.report.effects import FoldModel, feature_effects, feature_groups, win_probability
from kronos.report.formats import dollars, interval, percent, plain, signed, tick
from kronos.report.limitations import limitations
from kronos.report.money import by_advice, drawdown, followed_pnl, summarise_pnl
from kronos.report.opening_prices import opening_years
from kronos.report.page import render
from kronos.report.study import Study, make_study
from kronos.report.svg import Drawing, Panel, Scale
from kronos.training.evaluate import evaluate
from kronos.training.export import fingerprint
from kronos.training.policy_scores import PolicyReplay
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import Predictions, WalkForward

FAST = Recipe(boosting_rounds=20, walk_forward=WalkForward(500, 250))
TEST_START = np.datetime64("2017-01-01")
SECTIONS = ("headline", "reliability", "time", "groups", "features", "money", "outcomes", "limitations", "data")
AT_ONE = SD_MULTIPLIERS.index(1.0)


@pytest.fixture(scope="module")
def study(sample: MarketHistory) -> Study:
    return make_study(sample, CondorSpec(), test_start=TEST_START, recipe=FAST)


@pytest.fixture(scope="module")
def html(study: Study) -> str:
    return render(study)


@pytest.fixture(scope="module")
def page(html: str) -> ET.Element:
    """The page is well-formed to the letter: every element closed, every attribute quoted."""
    return ET.fromstring(html)


def text_of(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def table(page: ET.Element, caption: str) -> dict[str, dict[str, str]]:
    """A table's cells by row and column; every row must have a cell for every column."""
    (found,) = [one for one in page.iter("table") if text_of(one.find("caption")) == caption]
    columns = [text_of(cell) for cell in found.find("thead/tr")]
    rows = [[text_of(cell) for cell in row] for row in found.find("tbody")]
    return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}


def test_needs_nothing_but_itself(html: str, page: ET.Element) -> None:
    assert html.startswith("<!DOCTYPE html>")
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", html)
    tags = {element.tag for element in page.iter()}
    assert not tags & {"script", "link", "img", "image", "use", "iframe", "object", "embed", "base"}
    for element in page.iter():
        assert not any(name == "src" or name.startswith("on") for name in element.attrib)
        assert element.get("href", "#").startswith("#")


def test_every_section_is_there_and_reachable(page: ET.Element) -> None:
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert [section.get("id") for section in page.iter("section")] == list(SECTIONS)
    assert [link.get("href") for link in page.find(".//nav").iter("a")] == [f"#{name}" for name in SECTIONS]
    named = [element.get(name) for element in page.iter() for name in ("aria-labelledby",) if element.get(name)]
    assert {name for names in named for name in names.split()} <= set(ids)
    assert len(list(page.iter("h1"))) == 1
    assert page.get("lang") == "en"


def test_every_drawing_says_what_it_shows(page: ET.Element) -> None:
    drawings = list(page.iter("svg"))
    assert len(drawings) > 20
    for drawing in drawings:
        assert drawing.get("role") == "img"
        title, description = drawing.find("title"), drawing.find("desc")
        assert drawing.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert text_of(title)
        assert len(text_of(description)) > 20


def test_no_drawing_holds_a_coordinate_that_is_no_number(page: ET.Element) -> None:
    for drawing in page.iter("svg"):
        for element in drawing.iter():
            for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "d", "points"):
                assert not re.search(r"nan|inf|e", element.get(name, ""))


def test_the_headline_is_the_evaluation(sample_rows: TrainingRows, study: Study, page: ET.Element) -> None:
    evaluation = evaluate(sample_rows, CondorSpec(), test_start=TEST_START, money=study.money, recipe=FAST)
    assert evaluation.references == study.evaluation.references
    shown = table(page, "Out of sample at multiplier 1.0, all on the same sessions")
    names = ("the model", "climatology", "logistic regression", "the guide's recipe")
    for name, scores in zip(names, evaluation.references.values(), strict=True):
        assert shown[name]["Brier"] == plain(scores.brier, 4)
        assert shown[name]["Brier skill"] == signed(scores.brier_skill)
        assert shown[name]["95 % interval"] == interval(scores.brier_skill_interval)
        assert shown[name]["calibration error"] == plain(scores.ece, 4)
        assert shown[name]["band"] == plain(scores.ece_band, 4)
    lead = text_of(page.find(".//*[@class='lead']"))
    assert f"Brier skill {signed(evaluation.references['model'].brier_skill)}" in lead


def test_groups_and_bins_are_the_evaluation(study: Study, page: ET.Element) -> None:
    evaluation = study.evaluation
    groups = {
        "By year": evaluation.by_year,
        "By VIX at entry": evaluation.by_vix_regime,
        "By SD multiplier": evaluation.by_multiplier,
    }
    for caption, expected in groups.items():
        shown = table(page, caption)
        assert shown.keys() == expected.keys()
        for name, scores in expected.items():
            assert shown[name]["Brier skill"] == signed(scores.brier_skill)
            assert shown[name]["95 % interval"] == interval(scores.brier_skill_interval)
            assert shown[name]["sessions"] == f"{scores.sessions:,}"
    for multiplier in ("1.0", "0.8", "1.2", "1.5"):
        shown = table(page, f"Reliability at multiplier {multiplier}")
        bins = evaluation.by_multiplier[multiplier].bins
        assert [row["sessions"] for row in shown.values()] == [str(one.count) for one in bins]
        assert [row["won"] for row in shown.values()] == [text_like(percent(one.win_rate)) for one in bins]


def text_like(text: str) -> str:
    return " ".join(text.split())


def test_money_is_called_modelled_wherever_it_is_shown(page: ET.Element) -> None:
    for drawing in page.iter("svg"):
        said = text_of(drawing)
        assert "$" not in said or "modelled" in said.lower()
    for one in page.iter("table"):
        assert "$" not in text_of(one) or "modelled" in text_of(one).lower()


def test_policy_and_outcomes_are_the_evaluation_and_the_backtest(study: Study, page: ET.Element) -> None:
    policy = study.evaluation.policy
    money = text_of(page.find(".//section[@id='money']"))
    for amount in (policy.mean_pnl_traded, policy.mean_pnl_skipped, policy.difference):
        assert dollars(amount) in money
    tested = np.isin(study.money.sessions, study.sessions)
    shown = table(page, "Outcomes of the tested sessions")
    for at, multiplier in enumerate(SD_MULTIPLIERS):
        row = shown[f"{multiplier:.1f}"]
        assert row["put breached"] == text_like(percent(study.money.put_breached[tested, at].mean()))
        assert row["call breached"] == text_like(percent(study.money.call_breached[tested, at].mean()))
    assert shown["1.0"]["full profit"] == text_like(percent(study.evaluation.base_rate))


def test_limitations_come_with_their_figures(study: Study, page: ET.Element) -> None:
    said = text_of(page.find(".//section[@id='limitations']"))
    model, by_year = study.evaluation.references["model"], study.evaluation.by_year
    assert f"hold {int((study.won == 0).sum())} losses" in said
    assert plain(model.ece, 4) in said
    assert plain(model.ece_band, 4) in said
    assert signed(min(one.brier_skill for one in by_year.values())) in said
    assert "modelled" in said
    assert str(study.rows.sessions[-1]) in said
    titles = [limit.title for limit in limitations(study)]
    assert len(titles) == len(set(titles)) == 8
    no_opens = replace(study, openings=())
    assert len(list(limitations(no_opens))) == 7


def test_the_data_can_be_told_apart(study: Study, page: ET.Element) -> None:
    said = text_of(page.find(".//section[@id='data']"))
    assert fingerprint(study.rows) in said
    assert f"{study.rows.sessions[0]} to {study.rows.sessions[-1]}" in said


def test_the_same_study_gives_the_same_page(sample: MarketHistory, html: str) -> None:
    again = make_study(sample, CondorSpec(), test_start=TEST_START, recipe=FAST)
    assert render(again) == html


def test_the_walks_models_say_again_what_was_scored(study: Study) -> None:
    walk = study.evaluation.walk
    assert np.concatenate(walk.tested).tolist() == list(range(len(walk.predictions.rows)))
    for model, tested in zip(walk.models, walk.tested, strict=True):
        again = win_probability(model, walk.predictions.rows.of_variant(FULL)[tested])
        np.testing.assert_allclose(again, walk.predictions.probability[tested, AT_ONE], atol=1e-12)


def test_a_feature_that_varies_not_is_named_and_not_drawn(page: ET.Element) -> None:
    said = text_of(page.find(".//section[@id='features']"))
    assert "without effect here: holidays_ahead" in said
    assert "Probability along holidays_ahead" not in said


MINIMAL_COLUMNS = 7
IDENTITY = PiecewiseLinearCalibrator(np.array([-20.0, 20.0]), np.array([-20.0, 20.0]))


def falling_with_vix(vix: np.ndarray) -> CurveModel:
    """Log-odds fall with log VIX and hear nothing of the weekday."""
    rest = np.zeros(MINIMAL_COLUMNS - 1)
    logistic = Logistic(
        mean=np.array([np.log(vix).mean(), *rest]),
        scale=np.array([np.log(vix).std(), *(rest + 1)]),
        slope=np.array([-1.0, *rest]),
        intercept=np.full(len(SD_MULTIPLIERS), 1.5),
        clip=10.0,
    )
    return CurveModel(MINIMAL, MULTIPLIERS, logistic, staircase(np.linspace(-3, 6, 64)), IDENTITY)


def staircase(steps: np.ndarray) -> Trees:
    """Trees of one split each, on the logistic's log-odds, that together follow them."""
    roots = 3 * np.arange(len(steps))
    column, threshold, value = np.zeros(3 * len(steps)), np.zeros(3 * len(steps)), np.zeros(3 * len(steps))
    left = np.arange(3 * len(steps))
    right = left.copy()
    column[roots], threshold[roots] = MINIMAL_COLUMNS + 1, steps
    left[roots], right[roots] = roots + 1, roots + 2
    value[roots + 2] = (steps[-1] - steps[0]) / len(steps)
    integers = [array.astype(np.int32) for array in (roots, column, left, right)]
    return Trees(steps[0], *integers[:2], threshold, *integers[2:], value, depth=1)


def test_effects_of_a_model_whose_workings_are_known() -> None:
    rng = np.random.default_rng(1)
    chosen = np.arange(2_000)
    vix = rng.uniform(10, 40, len(chosen))
    features = np.column_stack([vix, chosen % 5, vix / np.sqrt(252)])
    model = falling_with_vix(vix)
    rows = TrainingRows(
        MINIMAL.features, chosen.astype("datetime64[D]"), vix, vix, features, np.empty((len(chosen), 11))
    )
    truth = np.tile(win_probability(model, rows.of_variant(MINIMAL))[:, None], (1, 11))
    labels = np.tile((rng.random(len(chosen)) < truth[:, AT_ONE]).astype(float)[:, None], (1, 11))
    base = np.full_like(labels, labels.mean())
    tested = Predictions(replace(rows, labels=labels), truth, truth, base, first_calibrated=0)

    found = {one.name: one for one in feature_effects(model, [FoldModel(model, chosen)], tested, chosen)}
    vix_effect, weekday = found["vix"], found["day_of_week"]
    assert tuple(feature.name for feature in vix_effect.features) == ("vix", "expected_move_pct")
    assert vix_effect.skill_lost_interval[0] > 0.02
    assert (np.diff(vix_effect.probability) <= 0).all()
    assert vix_effect.probability[0] - vix_effect.probability[-1] > 0.3
    np.testing.assert_array_equal(vix_effect.lowest, vix_effect.probability)
    assert [one.sessions for one in vix_effect.observed] == [400] * 5
    assert all(one.low < one.win_rate < one.high for one in vix_effect.observed)
    assert vix_effect.observed[0].win_rate > vix_effect.observed[-1].win_rate
    assert weekday.discrete
    assert weekday.skill_lost_interval == pytest.approx((0, 0), abs=1e-12)
    assert np.ptp(weekday.probability) < 1e-12
    assert [one.value for one in weekday.observed] == [0, 1, 2, 3, 4]


def test_features_that_are_one_on_two_scales_stay_together() -> None:
    assert feature_groups(MINIMAL) == [[0, 2], [1]]
    assert sorted(at for group in feature_groups(FULL) for at in group) == list(range(len(FULL.features)))


def test_sums_of_money() -> None:
    pnl = np.array([10.0, -30.0, 5.0, 40.0])
    assert drawdown(pnl).tolist() == [0, 30, 25, 0]
    assert drawdown(np.array([-5.0, 2.0])).tolist() == [5, 3]
    summary = summarise_pnl(pnl)
    assert (summary.total, summary.worst, summary.max_drawdown) == (25, -30, 30)
    assert summary.sharpe == pytest.approx(np.sqrt(252) * pnl.mean() / pnl.std(ddof=1))
    assert summary.sortino == pytest.approx(np.sqrt(252) * pnl.mean() / 15)
    idle = summarise_pnl(np.zeros(3))
    assert (idle.sharpe, idle.sortino) == (None, None)


def test_following_scales_and_skips() -> None:
    followed = PolicyReplay(
        sessions=np.arange(3).astype("datetime64[D]"),
        traded=np.array([True, True, False]),
        risk_share=np.array([1.0, 0.5, 0.0]),
        net_pnl_dollars=np.array([60.0, -400.0, -900.0]),
    )
    assert followed_pnl(followed).tolist() == [60, -200, 0]
    given = {advice: sessions.tolist() for advice, sessions in by_advice(followed)}
    assert given == {
        "TRADE_FULL": [True, False, False],
        "TRADE_REDUCED": [False, True, False],
        "SKIP_TODAY": [False, False, True],
    }


def test_opens_that_lag_show(sample: MarketHistory) -> None:
    """An open that holds only half of the night leaves the other half to the day."""
    lagging = sample.columns
    before = np.concatenate([[np.nan], sample.spx_close[:-1]])
    rng = np.random.default_rng(0)
    night, day = rng.normal(0, 0.005, len(sample)), rng.normal(0, 0.005, len(sample))
    close = 2000 * np.exp(np.cumsum(night + day))
    before = np.concatenate([[np.nan], close[:-1]])
    for share, low, high in ((1.0, -0.2, 0.2), (0.5, 0.3, 0.6)):
        history = MarketHistory(
            sample.sessions, {**lagging, "spx_close": close, "spx_open": before * np.exp(share * night)}
        )
        years = list(opening_years(history, sample.sessions))
        assert [one.year for one in years] == [2014, 2015, 2016, 2017, 2018]
        assert all(low < one.carried_over < high for one in years)


def test_scales_and_their_ticks() -> None:
    assert Scale(0, 1, 100, 200).ticks(4) == [0, 0.25, 0.5, 0.75, 1]
    assert Scale(-0.07, 0.3, 0, 1).ticks(4) == [0, 0.1, 0.2, 0.3]
    assert Scale(0, 10, 0, 100).at(2.5) == 25
    assert [tick(value) for value in (0.025, -0.5, 20000.0)] == ["0.025", "\N{MINUS SIGN}0.5", "20000"]


def test_a_crowded_line_keeps_its_extremes() -> None:
    drawing = Drawing("crowd", 100, 100, "A crowd", "Ten thousand points")
    panel = Panel(drawing, (0, 0, 100, 100), (0, 9_999), (0, 1))
    values = np.full(10_000, 0.5)
    values[[1_234, 7_777]] = 1.0, 0.0
    values[5_000:5_400] = np.nan
    panel.line(np.arange(10_000), values, "model")
    path = drawing.root.find("path").get("d")
    assert len(path) < 4_000
    assert {"0", "100"} <= set(re.findall(r" ([\d.]+)", path))
    assert path.count("M") == 2


@pytest.mark.parametrize(
    ("spec", "variant", "trade"),
    [
        (CondorSpec("close", 1), "minimal", "at the next session's close"),
        (CondorSpec("close", 5, "touch"), "market", "5 sessions later, closed when a short strike is touched"),
    ],
    ids=["close-1-minimal", "close-5-touch-market"],
)
def test_other_trades_and_variants(sample: MarketHistory, spec: CondorSpec, variant: str, trade: str) -> None:
    page = ET.fromstring(render(make_study(sample, spec, variant_named(variant), recipe=FAST)))
    assert trade in text_of(page.find(".//header"))
    assert f"Variant {variant}" in text_of(page.find(".//header"))


def test_too_little_to_report_on(sample: MarketHistory) -> None:
    with pytest.raises(TrainingRefusedError, match="too few for a report"):
        make_study(sample, CondorSpec(), MINIMAL, test_start=np.datetime64("2018-12-01"), recipe=FAST)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], study: Study, html: str
) -> None:
    asked = {}

    def remembered(history: MarketHistory, spec: CondorSpec, variant: Variant, **options: object) -> Study:
        asked.update(spec=spec, variant=variant, **options)
        return study

    monkeypatch.setattr(kronos.report.study, "make_study", functools.wraps(make_study)(remembered))
    out = tmp_path / "report.html"
    arguments = [
        "report",
        "--out",
        str(out),
        "--entry",
        "close",
        "--dte",
        "5",
        "--test-start",
        "2017-01-01",
        "--jobs",
        "1",
    ]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 0
    assert out.read_text(encoding="utf-8") == html
    assert asked["spec"] == CondorSpec("close", 5)
    assert asked["test_start"] == TEST_START
    with pytest.raises(SystemExit) as end:
        main(["report", "--out", str(tmp_path / "absent" / "report.html")])
    assert end.value.code == 2
    assert "No such file" in capsys.readouterr().err
