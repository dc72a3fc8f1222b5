"""What a feature means travels in the artefact: a changed formula is refused, and so are probes that are no probes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from kronos.condor.spec import CondorSpec
from kronos.errors import ArtefactError
from kronos.features import calendar, realised, win_rate
from kronos.features.entries import Entries
from kronos.features.registry import Compute, Feature, FeatureId, declared
from kronos.features.variants import CURRENT_FEATURES
from kronos.market.fomc import FomcCalendar, fomc_calendar
from kronos.market.history import Floats, MarketHistory
from kronos.model.artefact import Artefact
from kronos.model.model import Model
from kronos.model.probes import COUNT, MAX_PROBES, MAX_STRETCH_SESSIONS, Probes, made_up_bars, unpack_probes
from kronos.training.export import TrainedModel

Arrays = dict[str, Any]
BARS = "probes/bars/spx_close"


def of_a_longer_half_life(entries: Entries) -> Floats:
    return realised._weighted_parkinson_over_implied(entries, 4, 30)


def parkinson_of_2_log_2(entries: Entries) -> Floats:
    return np.asarray(realised.realised_ew10_over_implied(entries) + np.log(2) / 2)


def against_vix_at_entry(entries: Entries) -> Floats:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "implied_before", np.full(len(entries.history), entries.implied_daily[0]))
        return realised.move_252_over_implied(entries)


def run_up(entries: Entries) -> Floats:
    closes = entries.last_known(entries.history.spx_close, 66)
    return np.asarray(np.log(closes[:, 0] / closes.min(axis=1)) / entries.implied_daily)


def towards_70_pct(entries: Entries) -> Floats:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(win_rate, "PRIOR_WIN_RATE", 0.7)
        return win_rate.win_rate_30d(entries)


CHANGED_FORMULAS: dict[str, Compute] = {
    "realised_ew3_over_implied": of_a_longer_half_life,
    "realised_ew10_over_implied": parkinson_of_2_log_2,
    "move_252_over_implied": against_vix_at_entry,
    "drawdown_66": run_up,
    "win_rate_30d": towards_70_pct,
}


@pytest.mark.parametrize(("name", "formula"), CHANGED_FORMULAS.items(), ids=CHANGED_FORMULAS)
def test_a_formula_that_changed_without_a_new_revision_is_refused(
    trained: TrainedModel, own_registry: dict[FeatureId, Feature], name: str, formula: Compute
) -> None:
    identity = FeatureId(name, 1)
    own_registry[identity] = replace(own_registry[identity], compute=formula)
    with pytest.raises(ArtefactError, match=rf"feature {name} \(revision 1\) .* was changed without a new revision"):
        Model.from_artefact(trained.artefact)


@pytest.mark.parametrize("one", [one for one in CURRENT_FEATURES if not one.is_listed], ids=lambda one: one.name)
def test_a_value_that_is_a_millionth_off_is_noticed_in_every_feature(
    trained: TrainedModel, own_registry: dict[FeatureId, Feature], one: Feature
) -> None:
    own_registry[one.id] = replace(one, compute=lambda entries: one.compute(entries) + 1e-6)
    with pytest.raises(ArtefactError, match=f"feature {one.name} "):
        Model.from_artefact(trained.artefact)


def test_a_corrected_list_changes_no_meaning_and_the_model_still_loads(
    trained: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = unpack_probes(trained.artefact.arrays, CURRENT_FEATURES, with_bars=True)
    probed = [stretch.history.sessions[-1] for stretch in probes.stretches]
    corrected = FomcCalendar(np.union1d(fomc_calendar().days, probed))
    monkeypatch.setattr(calendar, "fomc_calendar", lambda: corrected)
    found = np.array([stretch.values(CondorSpec(), CURRENT_FEATURES) for stretch in probes.stretches])
    changed = np.flatnonzero((found != probes.values).any(axis=0))
    assert [CURRENT_FEATURES[at].name for at in changed] == ["fomc_days"]
    Model.from_artefact(trained.artefact)


@pytest.mark.parametrize("name", CHANGED_FORMULAS)
def test_probes_on_made_up_bars_notice_it_too(name: str) -> None:
    """As a training without stored bars has them."""
    probes = Probes.of_history(None, CondorSpec(), [], CURRENT_FEATURES)
    assert len(probes.stretches) == COUNT
    probes.require_reproduced(CondorSpec(), CURRENT_FEATURES)
    assert not np.isnan(probes.values).any()
    changed = [replace(one, compute=CHANGED_FORMULAS[name]) if one.name == name else one for one in CURRENT_FEATURES]
    with pytest.raises(ArtefactError, match=f"feature {name} "):
        probes.require_reproduced(CondorSpec(), changed)


def test_made_up_bars_have_every_column_and_make_every_declared_feature_known() -> None:
    """Also of an index that is added later; what they do not make known is refused before it is written."""
    bars = made_up_bars()
    assert not any(np.isnan(column).any() for column in bars.columns.values())
    probes = Probes.of_history(None, CondorSpec(), [], declared())
    assert np.isfinite(probes.values).all()
    nowhere = replace(CURRENT_FEATURES[0], compute=lambda entries: np.full(len(entries.days), np.nan))
    with pytest.raises(ValueError, match=f"do not know feature {nowhere.name}"):
        Probes.of_history(None, CondorSpec(), [], [nowhere])


def test_entries_with_a_feature_that_is_not_known_are_no_probes(sample: MarketHistory) -> None:
    """The first session of a history has no past; the made-up bars stand in where no other entry is left."""
    first, later = ((date(2014, 1, 3), 1830.0, 14.0), (date(2018, 12, 20), 2496.77, 25.58))
    probes = Probes.of_history(sample, CondorSpec(), [first, later], CURRENT_FEATURES)
    assert [str(stretch.history.sessions[-1]) for stretch in probes.stretches] == ["2018-12-20"]
    made_up = Probes.of_history(sample, CondorSpec(), [first], CURRENT_FEATURES)
    assert made_up.stretches[-1].history.sessions[-1] in made_up_bars().sessions


def a_session_left_out(arrays: Arrays) -> None:
    arrays["probes/sessions"][0, :3] -= 5


def a_session_twice(arrays: Arrays) -> None:
    arrays["probes/sessions"][0, 1] = arrays["probes/sessions"][0, 0]


def a_sunday(arrays: Arrays) -> None:
    arrays["probes/sessions"][0, -1] = np.datetime64("2018-12-30")


def before_the_session_list(arrays: Arrays) -> None:
    arrays["probes/sessions"] -= 365 * 60


def in_the_year_50000(arrays: Arrays) -> None:
    arrays["probes/sessions"][:, -1] = np.datetime64("50000-01-03")


def no_day(arrays: Arrays) -> None:
    arrays["probes/sessions"][0, 0] = np.datetime64("NaT")


def no_last_day(arrays: Arrays) -> None:
    arrays["probes/sessions"][0, -1] = np.datetime64("NaT")


def empty_stretches(arrays: Arrays) -> None:
    for name in [name for name in arrays if name == "probes/sessions" or name.startswith("probes/bars/")]:
        arrays[name] = arrays[name][:, :0]


def endless_stretches(arrays: Arrays) -> None:
    count, length = arrays["probes/sessions"].shape
    for name in [name for name in arrays if name == "probes/sessions" or name.startswith("probes/bars/")]:
        arrays[name] = np.tile(arrays[name], (1, MAX_STRETCH_SESSIONS // length + 1))
    assert arrays["probes/sessions"].shape[0] == count


def narrow_bars(arrays: Arrays) -> None:
    arrays[BARS] = arrays[BARS][:, 1:]


def fewer_bars(arrays: Arrays) -> None:
    arrays[BARS] = arrays[BARS][1:]


def flat_bars(arrays: Arrays) -> None:
    arrays[BARS] = arrays[BARS][0]


def no_closes(arrays: Arrays) -> None:
    del arrays[BARS]


def another_close(arrays: Arrays) -> None:
    arrays[BARS][0, -2] *= 1.01


def no_price(arrays: Arrays) -> None:
    arrays["probes/price"][0] = np.nan


def a_price_of_nothing(arrays: Arrays) -> None:
    arrays["probes/price"][0] = 0.0


def too_few_prices(arrays: Arrays) -> None:
    arrays["probes/price"] = arrays["probes/price"][1:]


def another_vix(arrays: Arrays) -> None:
    arrays["probes/vix"][0] += 1e-3


def days_that_are_numbers(arrays: Arrays) -> None:
    arrays["probes/sessions"] = arrays["probes/sessions"].astype(np.int64)


def a_feature_less(arrays: Arrays) -> None:
    arrays["probes/features"] = arrays["probes/features"][:, 1:]


def a_value_that_is_none(arrays: Arrays) -> None:
    arrays["probes/features"][0, 3] = np.nan


def another_value(arrays: Arrays) -> None:
    arrays["probes/features"][0, 2] += 1e-6


def too_many(arrays: Arrays) -> None:
    for name in [name for name in arrays if name.startswith("probes/")]:
        repeats = MAX_PROBES // len(arrays[name]) + 1
        arrays[name] = np.concatenate([arrays[name]] * repeats)


def a_curve_less(arrays: Arrays) -> None:
    arrays["probes/full"] = arrays["probes/full"][1:]


def a_curve_of_none(arrays: Arrays) -> None:
    arrays["probes/full"][0, 0] = np.nan


def another_curve(arrays: Arrays) -> None:
    arrays["probes/full"][0, 4] += 1e-6


HOSTILE: dict[Callable[[Arrays], None], str] = {
    a_session_left_out: "are not consecutive",
    a_session_twice: "are not consecutive",
    a_sunday: "are not consecutive",
    before_the_session_list: "are not consecutive",
    in_the_year_50000: "are not consecutive",
    no_day: "a probe must have 1 to 2000 sessions",
    no_last_day: "a probe must have 1 to 2000 sessions",
    empty_stretches: "a probe must have 1 to 2000 sessions",
    endless_stretches: "a probe must have 1 to 2000 sessions",
    narrow_bars: f"array {BARS} is",
    fewer_bars: f"array {BARS} is",
    flat_bars: f"array {BARS} is",
    no_closes: "gives different values",
    another_close: "gives different values",
    no_price: "array probes/price holds NaN",
    a_price_of_nothing: "gives different values",
    too_few_prices: "array probes/price is",
    another_vix: "gives different values",
    days_that_are_numbers: "array probes/sessions is int64",
    a_feature_less: "array probes/features is",
    a_value_that_is_none: "array probes/features holds NaN",
    another_value: "gives different values",
    too_many: "1 to 100 probes",
    a_curve_less: "array probes/full is",
    a_curve_of_none: "array probes/full holds NaN",
    another_curve: "variant full does not reproduce its probes",
}


@pytest.mark.parametrize(("change", "reason"), HOSTILE.items(), ids=[change.__name__ for change in HOSTILE])
def test_probes_that_are_none_are_refused(trained: TrainedModel, change: Callable[[Arrays], None], reason: str) -> None:
    arrays = {name: array.copy() for name, array in trained.artefact.arrays.items()}
    change(arrays)
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = Artefact(trained.artefact.manifest, arrays).to_bytes()
    with pytest.raises(ArtefactError, match=reason):
        Model.from_bytes(content)
