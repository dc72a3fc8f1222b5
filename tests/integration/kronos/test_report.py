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
from kronos.condor.spec import SD_MULTIPLIERS, CondorSpec
from kronos.condor.worlds import World
from kronos.errors import TrainingRefusedError
from kronos.features.variants import FULL, MINIMAL, Variant, variant_named
from kronos.market.history import MarketHistory
from kronos.report.effects import win_probability
from kronos.report.formats import dollars, interval, percent, plain, signed
from kronos.report.limitations import limitations
from kronos.report.money import verdict
from kronos.report.page import NAMES, render
from kronos.report.study import Study, make_study
from kronos.training.boosting import BoostingRecipe
from kronos.training.evaluate import evaluate
from kronos.training.export import fingerprint
from kronos.training.recipe import Recipe
from kronos.training.rows import TrainingRows
from kronos.training.walk_forward import WalkForward

FAST = Recipe(boosting=BoostingRecipe(rounds=(0, 5)), walk_forward=WalkForward(500, 250))
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


def found_in(element: ET.Element, path: str) -> ET.Element:
    """The first element of a path, which must be there."""
    found = element.find(path)
    assert found is not None, path
    return found


def text_of(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def table(page: ET.Element, caption: str) -> dict[str, dict[str, str]]:
    """A table's cells by row and column; every row must have a cell for every column."""
    (found,) = [one for one in page.iter("table") if text_of(found_in(one, "caption")) == caption]
    columns = [text_of(cell) for cell in found_in(found, "thead/tr")]
    rows = [[text_of(cell) for cell in row] for row in found_in(found, "tbody")]
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
    assert [link.get("href") for link in found_in(page, ".//nav").iter("a")] == [f"#{name}" for name in SECTIONS]
    named = " ".join(element.get("aria-labelledby", "") for element in page.iter())
    assert set(named.split()) <= set(ids)
    assert len(list(page.iter("h1"))) == 1
    assert page.get("lang") == "en"


def test_every_drawing_says_what_it_shows(page: ET.Element) -> None:
    drawings = list(page.iter("svg"))
    assert len(drawings) > 20
    for drawing in drawings:
        assert drawing.get("role") == "img"
        title, description = found_in(drawing, "title"), found_in(drawing, "desc")
        assert drawing.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert text_of(title)
        assert len(text_of(description)) > 20


def test_no_drawing_holds_a_coordinate_that_is_no_number(page: ET.Element) -> None:
    for drawing in page.iter("svg"):
        for element in drawing.iter():
            for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "d", "points"):
                assert not re.search(r"nan|inf|e", element.get(name, ""))


def test_the_headline_is_the_evaluation(sample_rows: TrainingRows, study: Study, page: ET.Element) -> None:
    evaluation = evaluate(sample_rows, CondorSpec(), test_start=TEST_START, recipe=FAST)
    assert evaluation.references == study.evaluation.references
    shown = table(page, "Out of sample at multiplier 1.0")
    for reference, scores in evaluation.references.items():
        name = NAMES[reference]
        assert shown[name]["Brier"] == plain(scores.brier, 4)
        assert shown[name]["Brier skill"] == signed(scores.brier_skill)
        assert shown[name]["95 % interval"] == interval(scores.brier_skill_interval)
        assert shown[name]["calibration error"] == plain(scores.ece, 4)
        assert shown[name]["band"] == plain(scores.ece_band, 4)
    lead = text_of(found_in(page, ".//*[@class='lead']"))
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


def test_outcomes_are_the_backtest(study: Study, page: ET.Element) -> None:
    tested = np.isin(study.condors.sessions, study.sessions)
    shown = table(page, "Outcomes of the tested sessions")
    for at, multiplier in enumerate(SD_MULTIPLIERS):
        row = shown[f"{multiplier:.1f}"]
        assert row["put breached"] == text_like(percent(study.condors.put_breached[tested, at].mean()))
        assert row["call breached"] == text_like(percent(study.condors.call_breached[tested, at].mean()))
    assert shown["1.0"]["full profit"] == text_like(percent(study.evaluation.base_rate))


def test_money_is_the_evaluation_in_every_world(study: Study, page: ET.Element) -> None:
    money, fair = study.evaluation.money, study.evaluation.fair_value
    assert money is not None
    assert fair is not None
    assert list(money.worlds) == list(World)
    shown = table(page, "The policy's choice: modelled $ of one condor after costs")
    for choice in money.choices:
        row = shown[choice.world.money]
        assert row["traded"] == dollars(choice.mean_traded)
        assert row["difference"] == dollars(choice.difference)
    for world in World:
        shown = table(page, f"Accounts that risk {money.risk_pct:g} % on a trade; money: {world.money}, $ after costs")
        here = {one.rule: one for one in money.accounts if one.world is world}
        assert shown.keys() == here.keys() >= {"the policy", "always", "skip VIX above 20", "skip VIX9D above VIX"}
        for rule, one in here.items():
            assert shown[rule]["one condor"] == dollars(one.pnl_dollars)
            assert shown[rule]["growth %"] == signed(one.growth_pct, 1)
    years = table(page, "Edge before costs: modelled $ of one condor, ± half a 95 % interval")
    assert years.keys() == {"2017", "2018", "all"}
    credits_shown = table(page, "Fair credit as a forecast of the payout, index points")
    assert credits_shown["1.0"]["said"] == plain(fair.by_multiplier["1.0"].said)
    section = text_of(found_in(page, ".//section[@id='money']"))
    for world in World:
        assert text_like(world.meaning) in section


def test_the_first_paragraph_says_whether_the_policy_beats_the_simple_rules(study: Study, page: ET.Element) -> None:
    assert study.evaluation.money is not None
    said = verdict(study.evaluation.money)
    assert text_like(said) in text_of(found_in(page, ".//*[@class='lead']"))
    assert "simple rules" in said


def test_limitations_come_with_their_figures(study: Study, page: ET.Element) -> None:
    said = text_of(found_in(page, ".//section[@id='limitations']"))
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
    said = text_of(found_in(page, ".//section[@id='data']"))
    assert fingerprint(study.rows) in said
    assert f"{study.rows.sessions[0]} to {study.rows.sessions[-1]}" in said


def test_the_same_study_gives_the_same_page(sample: MarketHistory, html: str) -> None:
    again = make_study(sample, CondorSpec(), test_start=TEST_START, recipe=FAST)
    assert render(again) == html


def test_the_walks_models_say_again_what_was_scored(study: Study) -> None:
    walk = study.evaluation.walk
    assert np.concatenate(walk.tested).tolist() == list(range(len(walk.predictions.rows)))
    for model, tested in zip(walk.models, walk.tested, strict=True):
        again = win_probability(model.model, walk.predictions.rows.of_variant(FULL)[tested])
        np.testing.assert_allclose(again, walk.predictions.probability[tested, AT_ONE], atol=1e-12)


def test_a_feature_that_varies_not_is_named_and_not_drawn(page: ET.Element) -> None:
    said = text_of(found_in(page, ".//section[@id='features']"))
    assert "without effect here: vix_gap" in said
    assert "Probability along vix_gap" not in said


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
    assert trade in text_of(found_in(page, ".//header"))
    assert f"Variant {variant}" in text_of(found_in(page, ".//header"))


def test_too_little_to_report_on(sample: MarketHistory) -> None:
    with pytest.raises(TrainingRefusedError, match="too few for a report"):
        make_study(sample, CondorSpec(), MINIMAL, test_start=np.datetime64("2018-12-01"), recipe=FAST)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], study: Study, html: str
) -> None:
    asked: dict[str, object] = {}

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
