"""What each feature means: values worked out by hand on a few chosen bars, and nothing of KRONOS in the working."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from kronos.features.entries import Entries
from kronos.features.matrix import feature_matrix, features_at_entry
from kronos.features.registry import Feature, FeatureId, declared, features_of
from tests.support.golden import CLOSE, OPEN, Golden
from tests.support.golden_cases.calendar import CALENDAR
from tests.support.golden_cases.implied import IMPLIED
from tests.support.golden_cases.realised import REALISED
from tests.support.golden_cases.retired import RETIRED
from tests.support.golden_cases.returns import RETURNS
from tests.support.golden_cases.term import TERM
from tests.support.golden_cases.win_rate import WIN_RATE

GOLDEN = [*CALENDAR, *IMPLIED, *RETURNS, *REALISED, *TERM, *WIN_RATE, *RETIRED]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: f"{golden.feature}: {golden.shows}")
def test_the_value_is_the_one_worked_out_by_hand(golden: Golden) -> None:
    """In a training row as in a live answer, whatever comes after entry."""
    features = features_of([FeatureId(golden.feature, golden.revision)])
    history, (price, vix) = golden.with_an_absurd_future(), golden.entry
    session = date.fromisoformat(golden.session)
    known = features_at_entry(history, golden.spec, session, price, vix, features)
    served = known.get(golden.feature)
    entries = Entries(history, golden.spec, np.array([golden.at]), np.array([price]), np.array([vix]))
    trained = float(feature_matrix(entries, features)[0, 0])
    if golden.expected is None:
        assert served is None
        assert math.isnan(trained)
    else:
        assert served == pytest.approx(golden.expected, rel=1e-12, abs=1e-12)
        assert trained == pytest.approx(golden.expected, rel=1e-12, abs=1e-12)


def test_every_declared_feature_has_a_golden_case() -> None:
    """Retired revisions too: a model that was trained on one relies on its meaning."""
    assert {feature.id for feature in declared()} == {FeatureId(one.feature, one.revision) for one in GOLDEN}


@pytest.mark.parametrize("feature", declared(), ids=lambda feature: feature.name)
def test_every_feature_is_worked_out_for_both_entries(feature: Feature) -> None:
    entries = {one.spec.entry for one in GOLDEN if FeatureId(one.feature, one.revision) == feature.id}
    assert entries == {OPEN.entry, CLOSE.entry}
