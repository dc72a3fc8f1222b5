"""The registry: a name and revision stand for one definition, in every process and for as long as a model needs it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from kronos.errors import UnknownFeatureError
from kronos.features.entries import Entries
from kronos.features.matrix import feature_matrix
from kronos.features.registry import Feature, FeatureId, current, declared, feature, features_of
from kronos.market.history import Floats, MarketHistory
from tests.support.golden import FRIDAY, OPEN, market

NEEDED = {"vix_percentile_30d": 22}
"""Thirty calendar days hold 22 sessions at most. Every other feature reads all that it declares."""


@pytest.fixture
def _tomorrow(own_registry: dict[FeatureId, Feature]) -> None:
    """A feature of a later version, and another revision of one of today's."""

    @feature(unit="points", lookback_sessions=1)
    def last_close(entries: Entries) -> Floats:
        """Close of the last known session."""
        return entries.before_entry(entries.history.spx_close)

    @feature(unit="points", lookback_sessions=0, revision=2)
    def vix(entries: Entries) -> Floats:
        """VIX at entry, over 100."""
        return entries.vix / 100


@pytest.mark.usefixtures("own_registry")
def test_a_name_is_declared_once_at_each_revision() -> None:
    def vix(entries: Entries) -> Floats:
        return entries.vix

    with pytest.raises(ValueError, match="feature vix is declared twice at revision 1"):
        feature(unit="points", lookback_sessions=0)(vix)
    feature(unit="points", lookback_sessions=0, revision=2)(vix)
    with pytest.raises(ValueError, match="feature vix is declared twice at revision 2"):
        feature(unit="points", lookback_sessions=0, revision=2)(vix)


@pytest.mark.usefixtures("_tomorrow")
def test_a_declaration_is_found_by_name_and_revision_with_its_first_line_as_meaning() -> None:
    assert current("last_close").meaning == "Close of the last known session"
    assert current("last_close").variants == ("full",)
    assert [one.id for one in declared()][-2:] == [("last_close", 1), ("vix", 2)]
    assert current("vix").id == ("vix", 2)
    old, new = features_of([FeatureId("vix", 1), FeatureId("vix", 2)])
    entries = Entries(market(), OPEN, np.array([50]), np.array([2000.0]), np.array([16.0]))
    assert feature_matrix(entries, [old, new]).tolist() == [[16.0, 0.16]]


def test_what_is_not_declared_is_named() -> None:
    with pytest.raises(UnknownFeatureError, match="no feature is called mood"):
        current("mood")
    with pytest.raises(UnknownFeatureError, match="no feature mood at revision 1"):
        features_of([FeatureId("vix", 1), FeatureId("mood", 1)])
    with pytest.raises(UnknownFeatureError, match="no feature vix at revision 7"):
        features_of([FeatureId("vix", 7)])


@pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)
def test_a_pickled_feature_comes_back_as_the_registrys_own(one: Feature) -> None:
    assert pickle.loads(pickle.dumps(one)) is one


@pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)
def test_every_feature_says_what_it_is(one: Feature) -> None:
    assert one.unit
    assert len(one.meaning) > 10
    assert one.meaning[0].isupper()
    assert not one.meaning.endswith(".")


def seen_from(history: MarketHistory, at: int, sessions: int, one: Feature) -> float:
    """The feature at one entry of a history that begins so many sessions before it."""
    cut = history.slice(at - sessions, at + 1)
    entries = Entries(cut, OPEN, np.array([sessions]), np.array([2500.0]), np.array([20.0]))
    return float(feature_matrix(entries, [one])[0, 0])


@pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)
def test_a_feature_reads_the_sessions_it_declares_and_no_more(one: Feature, sample: MarketHistory) -> None:
    """On a Friday whose thirty calendar days have no holiday, so that they hold as many sessions as they can."""
    at = int(np.flatnonzero(sample.sessions == np.datetime64(FRIDAY))[0])
    whole = seen_from(sample, at, at, one)
    assert not np.isnan(whole)
    assert seen_from(sample, at, one.lookback_sessions, one) == whole
    needed = NEEDED.get(one.name, one.lookback_sessions)
    assert seen_from(sample, at, needed, one) == whole
    if needed:
        assert seen_from(sample, at, needed - 1, one) != whole
