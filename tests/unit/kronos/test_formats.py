"""What was written once is read for ever: every format, other grids, features and scores that came or went since."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from kronos.condor.costs import SURVIVABLE_RISK_PCT
from kronos.condor.spec import CondorSpec
from kronos.errors import ArtefactError
from kronos.features.entries import Entries
from kronos.features.matrix import features_at_entry
from kronos.features.registry import Feature, FeatureId, current, feature
from kronos.market.history import Floats, MarketHistory
from kronos.model.artefact import Artefact
from kronos.model.formats import NEWEST_FORMAT
from kronos.model.gate import GateLimits
from kronos.model.model import Model
from kronos.model.prediction import ExplainedPrediction
from kronos.retraining.retrain import retrain
from kronos.training.rows import build_rows, rows_of
from tests.support.paths import FIXTURES
from tests.support.recipes import QUICK

FORMATS = range(1, NEWEST_FORMAT + 1)
SESSION, PRICE, VIX = date(2018, 2, 6), 2614.78, 37.32
OTHER_GRID, OTHER_COLUMNS = np.array([0.8, 1.0, 1.2]), [2, 4, 6]

Manifest = dict[str, Any]


def stored(number: int) -> bytes:
    """The artefact of a format that is kept for ever."""
    return (FIXTURES / f"format_{number}.ares").read_bytes()


def changed(content: bytes, change: Callable[[Manifest], None]) -> bytes:
    """The same artefact with another manifest."""
    artefact = Artefact.from_bytes(content)
    manifest = copy.deepcopy(dict(artefact.manifest))
    change(manifest)
    return Artefact(manifest, artefact.arrays).to_bytes()


def answer(model: Model, history: MarketHistory, variant: str) -> ExplainedPrediction:
    known = features_at_entry(history, model.spec, SESSION, PRICE, VIX, model.features)
    return model.predict(variant, known, 1.0)


@pytest.mark.parametrize("number", FORMATS)
def test_every_format_loads_and_answers_as_it_did_when_it_was_written(number: int, sample: MarketHistory) -> None:
    """A new format without a fixture fails here: `tests/fixtures/write_format.py` makes one."""
    model = Model.from_bytes(stored(number))
    recorded = json.loads((FIXTURES / f"format_{number}.json").read_text())
    assert {one["variant"] for one in recorded} == set(model.variants)
    for one in recorded:
        session, price, vix = date.fromisoformat(one["session"]), one["price"], one["vix"]
        variant = model.variants[one["variant"]].variant
        known = features_at_entry(sample, model.spec, session, price, vix, variant.features)
        said = model.predict(variant.name, known, one["sd_multiplier"])
        assert known == pytest.approx(one["features"], rel=1e-12, abs=1e-12)
        assert said.probability == pytest.approx(one["probability"], abs=1e-12)
        assert said.curve == pytest.approx(one["curve"], abs=1e-12)
        assert said.base_log_odds == pytest.approx(one["base_log_odds"], abs=1e-12)
        assert said.contributions == pytest.approx(one["contributions"], abs=1e-12)


def test_a_newer_format_is_refused_by_its_number() -> None:
    newer = changed(stored(2), lambda manifest: manifest.update(format=NEWEST_FORMAT + 1))
    with pytest.raises(ArtefactError, match=f"format {NEWEST_FORMAT + 1}; this version reads formats 1 to"):
        Model.from_bytes(newer)


def test_features_that_no_version_had_are_refused_in_format_1() -> None:
    def foreign(manifest: Manifest) -> None:
        manifest["feature_schema_sha256"] = "0" * 64

    with pytest.raises(ArtefactError, match="train it again"):
        Model.from_bytes(changed(stored(1), foreign))


@pytest.mark.parametrize("number", FORMATS)
@pytest.mark.usefixtures("own_registry")
def test_a_champion_serves_on_when_a_feature_is_added(number: int, sample: MarketHistory) -> None:
    before = answer(Model.from_bytes(stored(number)), sample, "full")

    @feature(unit="points", lookback_sessions=1)
    def added_since(entries: Entries) -> Floats:
        """Close of the last known session."""
        return entries.before_entry(entries.history.spx_close)

    after = Model.from_bytes(stored(number))
    assert "added_since" not in after.variants["full"].variant.feature_names
    assert answer(after, sample, "full").curve.tolist() == before.curve.tolist()
    assert answer(after, sample, "full").contributions == before.contributions


@pytest.mark.parametrize("number", FORMATS)
@pytest.mark.usefixtures("own_registry")
def test_a_model_keeps_the_revision_that_it_was_trained_on(number: int, sample: MarketHistory) -> None:
    before = answer(Model.from_bytes(stored(number)), sample, "full")

    @feature(unit="log ratio", lookback_sessions=22, revision=2)
    def vix_change_1d(entries: Entries) -> Floats:
        """Something else by the same name."""
        return entries.vix * 0 + 7.0

    assert current("vix_change_1d").id == FeatureId("vix_change_1d", 2)
    after = Model.from_bytes(stored(number))
    (kept,) = (one for one in after.features if one.name == "vix_change_1d")
    assert kept.id.revision == 1
    assert answer(after, sample, "full").curve.tolist() == before.curve.tolist()


def test_a_revision_that_this_version_lacks_is_named(own_registry: dict[FeatureId, Feature]) -> None:
    del own_registry[FeatureId("drawdown_66", 1)]
    with pytest.raises(ArtefactError, match="no feature drawdown_66 at revision 1: upgrade the advisor"):
        Model.from_bytes(stored(2))


def on_another_grid(variants: int) -> Artefact:
    """The format 2 model at three multipliers, with only its poorest variants."""
    whole, artefact = Model.from_bytes(stored(2)), Artefact.from_bytes(stored(2))
    manifest, arrays = copy.deepcopy(dict(artefact.manifest)), dict(artefact.arrays)
    dropped = [named["name"] for named in manifest["variants"][:-variants]]
    arrays = {name: array for name, array in arrays.items() if name.split("/")[0] not in dropped}
    manifest |= {"sd_multipliers": OTHER_GRID.tolist(), "variants": manifest["variants"][-variants:]}
    arrays["base_rates"] = arrays["base_rates"][OTHER_COLUMNS]
    arrays["rows/labels"] = np.ascontiguousarray(arrays["rows/labels"][:, OTHER_COLUMNS])
    for name in (named["name"] for named in manifest["variants"]):
        curve_model = whole.variants[name].curve_model
        intercept = curve_model.logistic.intercept[OTHER_COLUMNS]
        smaller = replace(
            curve_model, multipliers=OTHER_GRID, logistic=replace(curve_model.logistic, intercept=intercept)
        )
        columns = [whole.features.index(one) for one in curve_model.variant.features]
        arrays[f"{name}/logistic_intercept"] = intercept
        arrays[f"probes/{name}"] = smaller.curve(arrays["probes/features"][:, columns])
    return Artefact(manifest, arrays)


@pytest.mark.parametrize("variants", [1, 2])
def test_a_model_answers_on_its_own_grid_with_the_variants_it_has(variants: int, sample: MarketHistory) -> None:
    whole = Model.from_bytes(stored(2))
    model = Model.from_bytes(on_another_grid(variants).to_bytes())
    assert list(model.variants) == ["market", "minimal"][-variants:]
    known = features_at_entry(sample, model.spec, SESSION, PRICE, VIX, model.features)
    name = model.answering(known).name
    assert name == model.richest.name
    said = model.predict(name, known, 1.1)
    np.testing.assert_array_equal(said.multipliers, OTHER_GRID)
    np.testing.assert_allclose(said.curve, whole.predict(name, known, 1.0).curve[OTHER_COLUMNS], atol=1e-12)
    assert said.probability == pytest.approx((said.curve[1] + said.curve[2]) / 2, abs=1e-12)
    assert 0 <= model.policy.decide(said).suggested_risk_pct <= SURVIVABLE_RISK_PCT


def test_training_rows_of_another_grid_keep_the_labels_that_both_have() -> None:
    rows, whole = rows_of(on_another_grid(1)), rows_of(Artefact.from_bytes(stored(2)))
    np.testing.assert_array_equal(rows.labels[:, OTHER_COLUMNS], whole.labels[:, OTHER_COLUMNS])
    assert np.isnan(np.delete(rows.labels, OTHER_COLUMNS, axis=1)).all()


def test_a_score_that_stored_metrics_lack_is_unknown_but_the_skill_must_be_there() -> None:
    def without(score: str) -> bytes:
        return changed(stored(2), lambda manifest: manifest["variants"][0]["metrics"].pop(score))

    assert "ece_band" not in Model.from_bytes(without("ece_band")).headline_metrics
    with pytest.raises(ArtefactError, match="brier_skill is not a number"):
        Model.from_bytes(without("brier_skill"))


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("with_history", [True, False], ids=["with bars", "without bars"])
def test_a_retraining_labels_the_rows_of_older_formats_anew(
    number: int, with_history: bool, sample: MarketHistory
) -> None:
    """They took SPX's printed open for the price: what the bars cannot label anew is dropped."""
    history = sample if with_history else None
    result = retrain(stored(number), history, [], GateLimits(), date(2019, 1, 2), recipe=QUICK)
    assert result.figures["labels_redefined"]
    if not with_history:
        assert result.challenger is None
        assert (result.reason or "").startswith("insufficient_evidence: ")
        assert (result.reason or "").endswith("train a model with `kronos train --push`")
        return
    assert result.challenger is not None
    artefact = result.challenger.artefact
    assert artefact.manifest["format"] == NEWEST_FORMAT
    np.testing.assert_array_equal(rows_of(artefact).labels, build_rows(sample, CondorSpec())[0].labels)
    challenger = Model.from_artefact(artefact)
    assert challenger.spec == CondorSpec() != Model.from_bytes(stored(number)).spec
    assert challenger.trained_through == date(2018, 12, 31)
    assert result.figures["confirmation_sessions"] == GateLimits().confirmation_sessions
