"""Variants that have lost their skill since training are silent, on every replica, unless the bars were wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.spoiled import Case, outcomes_flipped
from kronos.commands.push import market_days
from kronos.condor.spec import CondorSpec
from kronos.market.history import MarketHistory
from kronos.model.artefact import Artefact
from kronos.training.export import train
from kronos.training.rows import build_rows
from service.db.notifications import CHANNEL, Topic
from tests.support.in_process import InProcessService, StartService
from tests.support.processes import query, wait_until
from tests.support.recipes import QUICK

CUT = np.datetime64("2017-06-30")
AT_ENTRY = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T09:35:00-05:00"}


def test_a_model_that_the_market_has_left_answers_with_its_base_rates_until_it_is_replaced(
    start_service: StartService, database_url: str, sample: MarketHistory, spec: CondorSpec
) -> None:
    frozen = trained_through_the_cut(sample, spec).to_bytes()
    first_new = int(np.searchsorted(sample.sessions, CUT, side="right"))
    upside_down = outcomes_flipped(Case(sample, first_new, [], np.random.default_rng(0), spec)).history
    first = start_service(database_url)
    assert first.request("POST", "/models", body=frozen).status == 201
    wait_until(first.ready)

    put(first, sample)
    wait_until(lambda: "no_skill" not in answer(first)["reasons"] and answer(first)["variant_name"] != "minimal")
    put(first, upside_down)
    wait_until(lambda: "no_skill" in answer(first)["reasons"])
    said = answer(first)
    assert said["status"] == "degraded"
    assert said["win_probability"] == said["base_rate"]
    (row,) = query(database_url, "SELECT silenced_variants FROM model_versions")
    assert row["silenced_variants"]

    silenced = set(row["silenced_variants"])
    (version,) = first.request("GET", "/models").json()
    assert set(version["silenced_variants"]) == silenced
    wait_until(lambda: all(f'advisor_variant_silenced{{variant="{name}"}} 1.0' in metrics(first) for name in silenced))

    second = start_service(database_url)
    assert "no_skill" in second.request("POST", "/advice", AT_ENTRY).json()["reasons"], "from the first answer on"
    put(first, sample)
    for service in (first, second):
        wait_until(lambda: "no_skill" not in service.request("POST", "/advice", AT_ENTRY).json()["reasons"])  # noqa: B023
    stored = "SELECT 1 FROM model_versions WHERE silenced_variants <> '{}'"
    wait_until(lambda: not query(database_url, stored))


def test_a_replica_that_starts_without_the_database_keeps_its_variants_silent(
    start_service: StartService, database_url: str, artefact: bytes
) -> None:
    """One that has no bars to judge by believes what is stored, and keeps it on disk."""
    service = start_service(database_url)
    assert service.request("POST", "/models", body=artefact).status == 201
    wait_until(service.ready)
    assert "no_skill" not in service.request("POST", "/advice", AT_ENTRY).json()["reasons"]
    query(database_url, "UPDATE model_versions SET silenced_variants = '{minimal}'")
    query(database_url, f"NOTIFY {CHANNEL}, '{Topic.CHAMPION}'")
    wait_until(lambda: "no_skill" in service.request("POST", "/advice", AT_ENTRY).json()["reasons"])
    service.stop()
    alone = start_service(database_url.rpartition("/")[0] + "/nowhere")
    assert "no_skill" in alone.request("POST", "/advice", AT_ENTRY).json()["reasons"]


def test_what_is_silent_stays_so_when_an_operator_activates_it_again(
    start_service: StartService, database_url: str, sample: MarketHistory, spec: CondorSpec, artefact: bytes
) -> None:
    """Each answer of the version is without the silent variant, the first after its activation too."""
    service = start_service(database_url)
    other = trained_through_the_cut(sample, spec).to_bytes()
    silent = service.request("POST", "/models", body=artefact).json()["version"]
    query(database_url, "UPDATE model_versions SET silenced_variants = '{minimal}'")
    assert service.request("POST", "/models?activate=true", body=other).status == 201
    wait_until(lambda: answer(service)["model_version"] != silent)
    assert "no_skill" not in answer(service)["reasons"]
    assert service.request("POST", f"/models/{silent}/activate").json()["silenced_variants"] == ["minimal"]
    answers: list[dict[str, Any]] = []

    def answers_again() -> bool:
        answers.append(answer(service))
        return bool(answers[-1]["model_version"] == silent)

    wait_until(answers_again)
    assert "no_skill" in answers[-1]["reasons"]


def trained_through_the_cut(sample: MarketHistory, spec: CondorSpec) -> Artefact:
    return train(build_rows(sample, spec, end=CUT)[0], spec, sample, recipe=QUICK).artefact


def answer(service: InProcessService) -> dict[str, Any]:
    said: dict[str, Any] = service.request("POST", "/advice", AT_ENTRY).json()
    return said


def metrics(service: Any) -> str:
    text: str = service.request("GET", "/metrics").data.decode()
    return text


def put(service: Any, history: MarketHistory) -> None:
    days = [day.model_dump(mode="json") for day in market_days(history)]
    assert service.request("PUT", "/market-days", {"days": days}).status == 200
