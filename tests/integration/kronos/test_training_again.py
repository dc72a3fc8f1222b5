"""The same data and recipe give the same artefact, byte for byte, whoever trains it."""

from __future__ import annotations

from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.training.export import train
from kronos.training.rows import TrainingRows
from tests.support.recipes import QUICK


def test_one_process_and_two_give_the_same_bytes(
    sample: MarketHistory, sample_rows: TrainingRows, spec: CondorSpec
) -> None:
    alone, together = (train(sample_rows, spec, sample, recipe=QUICK, jobs=jobs) for jobs in (1, 2))
    assert together.artefact.to_bytes() == alone.artefact.to_bytes()
