"""Features served equal features trained on, for every session of the sample and in every variant."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from kronos.condor.spec import CondorSpec
from kronos.features.matrix import features_at_entry
from kronos.features.variants import VARIANTS, Variant
from kronos.market.history import MarketHistory
from kronos.market.sessions import as_date
from kronos.training.rows import TrainingRows, build_rows
from tests.support.running_service import RunningService

TOLERANCE = 1e-12
SPECS = [CondorSpec(), CondorSpec("open", 5), CondorSpec("close", 1), CondorSpec("close", 22)]


@cache
def rows_of(sample: MarketHistory, spec: CondorSpec) -> TrainingRows:
    return build_rows(sample, spec)[0]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.entry}-{spec.dte_sessions}")
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_live_trader_knows_exactly_the_training_row(
    sample: MarketHistory, spec: CondorSpec, variant: Variant
) -> None:
    rows = rows_of(sample, spec)
    trained = rows.of_variant(variant)
    for at, session in enumerate(rows.sessions):
        served = features_at_entry(sample, spec, as_date(session), rows.price[at], rows.vix[at], variant.features)
        row = [served.get(name, np.nan) for name in variant.feature_names]
        np.testing.assert_allclose(row, trained[at], rtol=0, atol=TOLERANCE, equal_nan=True)


def test_the_service_answers_every_session_from_its_training_row(
    ready_service: RunningService, sample_rows: TrainingRows
) -> None:
    """Bars loaded, one request at the entry of each session."""
    answered: dict[str, int] = {variant.name: 0 for variant in VARIANTS}
    for at, session in enumerate(sample_rows.sessions):
        asked = {
            "vix": float(sample_rows.vix[at]),
            "price": float(sample_rows.price[at]),
            "as_of": f"{session}T09:31:00-05:00",
        }
        reply = ready_service.request("POST", "/advice", asked).json()
        row = dict(zip((feature.name for feature in sample_rows.known), sample_rows.features[at], strict=True))
        richest = next(v for v in VARIANTS if not any(np.isnan(row[name]) for name in v.feature_names))
        assert (reply["session"], reply["variant_name"]) == (str(session), richest.name)
        assert reply["variant"] == ("full" if richest.name == "term" else richest.name)
        served = {name: feature["value"] for name, feature in reply["features"].items()}
        assert served.keys() == set(richest.feature_names)
        assert max(abs(value - row[name]) for name, value in served.items()) <= TOLERANCE
        answered[richest.name] += 1
    assert all(count for name, count in answered.items() if name != "full"), answered
