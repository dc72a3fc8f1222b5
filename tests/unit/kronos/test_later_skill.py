"""Skill on what has happened since training: honest sessions keep a variant, a market upside down silences it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.spoiled import Case, outcomes_flipped
from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.model.later_skill import FEWEST_SESSIONS, SESSIONS_BETWEEN_LOOKS, LaterSkill, later_skills
from kronos.model.model import Model
from kronos.training.export import train
from kronos.training.rows import build_rows
from tests.support.recipes import QUICK
from tests.support.shared import made_once

CUT = np.datetime64("2017-06-30")


@pytest.fixture(scope="module")
def frozen(sample: MarketHistory, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Trained through June 2017."""

    def make() -> bytes:
        return train(build_rows(sample, spec, end=CUT)[0], spec, sample, recipe=QUICK).artefact.to_bytes()

    return Model.from_bytes(made_once(tmp_path_factory, "frozen", make))


def upside_down(sample: MarketHistory, spec: CondorSpec) -> MarketHistory:
    """The same market, but since the cut every win has been a loss, and every loss a win."""
    first_new = int(np.searchsorted(sample.sessions, CUT, side="right"))
    return outcomes_flipped(Case(sample, first_new, [], np.random.default_rng(0), spec)).history


def test_each_variant_is_judged_on_the_sessions_that_it_could_have_answered(
    frozen: Model, sample: MarketHistory
) -> None:
    found = later_skills(frozen, sample)
    later = int((sample.sessions > CUT).sum())
    looked_at = later - (later - FEWEST_SESSIONS) % SESSIONS_BETWEEN_LOOKS
    assert {name: one.sessions for name, one in found.items()} == dict.fromkeys(frozen.variants, looked_at)
    assert not any(one.is_lost for one in found.values())
    assert all(one.skill < one.upper for one in found.values())


def test_a_market_turned_upside_down_silences_every_variant(
    frozen: Model, sample: MarketHistory, spec: CondorSpec
) -> None:
    found = later_skills(frozen, upside_down(sample, spec))
    assert found.keys() == frozen.variants.keys()
    assert all(one.is_lost and one.skill < 0 for one in found.values())


@pytest.mark.parametrize(("count", "judged"), [(FEWEST_SESSIONS - 1, False), (FEWEST_SESSIONS, True)])
def test_a_year_of_later_sessions_is_needed(frozen: Model, sample: MarketHistory, count: int, judged: bool) -> None:
    first_new = int(np.searchsorted(sample.sessions, CUT, side="right"))
    assert bool(later_skills(frozen, sample.slice(0, first_new + count))) == judged


def test_the_upper_bound_decides() -> None:
    assert LaterSkill(300, -0.05, -0.001).is_lost
    assert not LaterSkill(300, -0.05, 0.001).is_lost
    assert not LaterSkill(300, 0.05).is_lost


def test_more_sessions_bring_no_skill_back_and_corrected_bars_do(
    frozen: Model, sample: MarketHistory, spec: CondorSpec
) -> None:
    """The year after the cut upside down, and then the market as it was."""
    first_new = int(np.searchsorted(sample.sessions, CUT, side="right"))
    bad, year = upside_down(sample, spec), np.arange(len(sample)) < first_new + FEWEST_SESSIONS + 1
    columns = {name: np.where(year, bad.columns[name], column) for name, column in sample.columns.items()}
    since = MarketHistory(sample.sessions, columns)
    for history in (bad, since):
        assert all(one.is_lost and one.sessions == FEWEST_SESSIONS for one in later_skills(frozen, history).values())
    assert not any(one.is_lost for one in later_skills(frozen, sample).values())


def test_the_next_variant_answers_for_a_silenced_one_and_the_base_rates_when_none_is_left(
    frozen: Model, sample: MarketHistory
) -> None:
    values = {feature.name: 1.0 for feature in frozen.features} | {"vix": 18.0, "day_of_week": 2.0}
    skilled = [name for name, one in frozen.variants.items() if one.has_skill]
    silenced: set[str] = set()
    for name in skilled:
        assert frozen.answering(values, silenced).name == name
        assert frozen.predict(name, values, 1.0, silenced).has_skill
        silenced.add(name)
    richest = frozen.answering(values, silenced).name
    assert richest == frozen.richest.name
    said = frozen.predict(richest, values, 1.0, silenced)
    assert not said.has_skill
    np.testing.assert_array_equal(said.curve, frozen.base_rates)
