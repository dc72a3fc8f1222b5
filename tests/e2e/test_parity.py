"""Features served equal features trained on, for every session of the sample and in every variant."""

from __future__ import annotations

import numpy as np
import pytest

from kronos.condor import CondorSpec
from kronos.features import FEATURES, VARIANT_FEATURES, VARIANTS, Variant, features_at_entry
from kronos.market import MarketHistory
from kronos.sessions import as_date
from kronos.training.rows import TrainingRows, build_rows
from tests.support.processes import AdvisorProcess

TOLERANCE = 1e-12
SPECS = [CondorSpec(), CondorSpec("open", 5), CondorSpec("close", 1), CondorSpec("close", 22)]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.entry}-{spec.dte_sessions}")
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_live_trader_knows_exactly_the_training_row(
    sample: MarketHistory, spec: CondorSpec, variant: Variant
) -> None:
    rows, _ = build_rows(sample, spec)
    trained = rows.for_variant(variant)
    for at, session in enumerate(rows.sessions):
        served = features_at_entry(sample, spec, as_date(session), rows.price[at], rows.vix[at])
        row = [served.get(name, np.nan) for name in VARIANT_FEATURES[variant]]
        np.testing.assert_allclose(row, trained[at], rtol=0, atol=TOLERANCE, equal_nan=True)


def test_the_service_answers_every_session_from_its_training_row(
    live_service: AdvisorProcess, sample_rows: TrainingRows
) -> None:
    """Bars loaded, one request at the entry of each session."""
    answered: dict[str, int] = dict.fromkeys(VARIANTS, 0)
    for at, session in enumerate(sample_rows.sessions):
        asked = {
            "vix": float(sample_rows.vix[at]),
            "price": float(sample_rows.price[at]),
            "as_of": f"{session}T09:31:00-05:00",
        }
        reply = live_service.request("POST", "/advice", asked).json()
        row = dict(zip(FEATURES, sample_rows.features[at], strict=True))
        richest = next(v for v in VARIANTS if not any(np.isnan(row[name]) for name in VARIANT_FEATURES[v]))
        assert (reply["session"], reply["variant"]) == (str(session), richest)
        served = {name: feature["value"] for name, feature in reply["features"].items()}
        assert served.keys() == set(VARIANT_FEATURES[richest])
        assert max(abs(value - row[name]) for name, value in served.items()) <= TOLERANCE
        answered[richest] += 1
    assert all(answered.values()), answered
