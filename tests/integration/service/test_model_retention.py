"""Retention: old artefacts go, never the champion's or its predecessor's, and a version always means one model."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker

from kronos.model.artefact import Artefact
from kronos.training.export import TrainedModel
from service.db.engine import create_engine, transaction
from service.retrain.publish import RunVerdict, publish
from service.retrain.repository import RetrainRepository
from tests.support.in_process import InProcessService, StartService
from tests.support.processes import wait_until
from tests.support.settings import settings_of


@pytest.fixture
def thrifty_service(start_service: StartService, database_url: str) -> InProcessService:
    return start_service(database_url, models_kept=2)


def with_note(trained: TrainedModel, number: int) -> bytes:
    noted = dataclasses.replace(trained.artefact, manifest={**trained.artefact.manifest, "note": number})
    return noted.to_bytes()


def upload(service: InProcessService, trained: TrainedModel, number: int, *, activate: bool = False) -> dict[str, Any]:
    path = "/models?activate=true" if activate else "/models"
    reply = service.request("POST", path, body=with_note(trained, number))
    assert reply.status in {200, 201}, reply.data
    info: dict[str, Any] = reply.json()
    return info


def stored(service: InProcessService) -> dict[str, bool]:
    return {model["version"]: model["stored"] for model in service.request("GET", "/models").json()}


def test_the_champion_and_its_predecessor_stay(thrifty_service: InProcessService, trained: TrainedModel) -> None:
    upload(thrifty_service, trained, 1)
    upload(thrifty_service, trained, 2, activate=True)
    for number in (3, 4, 5):
        upload(thrifty_service, trained, number)
    kept = {"1.0.0": True, "2.0.0": True, "3.0.0": False, "4.0.0": True, "5.0.0": True}
    assert stored(thrifty_service) == kept
    assert thrifty_service.request("POST", "/models/1.0.0/activate").status == 200
    upload(thrifty_service, trained, 6)
    assert stored(thrifty_service) == kept | {"4.0.0": False, "6.0.0": True}
    gone = thrifty_service.request("GET", "/models/3.0.0").json()
    assert gone["stored"] is False
    assert gone["manifest"]["note"] == 3


def test_a_version_whose_artefact_went_cannot_be_activated_until_its_file_comes_again(
    thrifty_service: InProcessService, trained: TrainedModel
) -> None:
    for number in range(1, 5):
        upload(thrifty_service, trained, number)
    refused = thrifty_service.request("POST", "/models/2.0.0/activate")
    assert refused.status == 409
    assert "upload its file again" in refused.json()["detail"]
    again = upload(thrifty_service, trained, 2)
    assert (again["version"], again["state"], again["stored"]) == ("2.0.0", "candidate", True)
    assert stored(thrifty_service)["2.0.0"] is True
    assert thrifty_service.request("POST", "/models/2.0.0/activate").json()["state"] == "champion"


def test_a_challenger_whose_bytes_went_has_them_again_once_it_is_promoted(
    thrifty_service: InProcessService, trained: TrainedModel
) -> None:
    """The same data give the same artefact: one that was refused, then forced."""
    champion = upload(thrifty_service, trained, 1)
    artefact = with_note(trained, 2)
    asyncio.run(conclude(thrifty_service, champion["sha256"], artefact, promoted=False))
    for number in (3, 4, 5):
        upload(thrifty_service, trained, number)
    assert stored(thrifty_service)["1.1.0"] is False
    asyncio.run(conclude(thrifty_service, champion["sha256"], artefact, promoted=True))
    assert stored(thrifty_service)["1.1.0"] is True
    wait_until(lambda: thrifty_service.request("GET", "/readyz").json()["model_version"] == "1.1.0")


def test_refused_challengers_go_first(thrifty_service: InProcessService, trained: TrainedModel) -> None:
    champion = upload(thrifty_service, trained, 1)
    upload(thrifty_service, trained, 2)
    for number in (3, 4, 5):
        refused = with_note(trained, number)
        asyncio.run(conclude(thrifty_service, champion["sha256"], refused, promoted=False))
    assert stored(thrifty_service) == {"1.0.0": True, "2.0.0": True, "1.1.0": False, "1.2.0": False, "1.3.0": True}


async def conclude(service: InProcessService, champion_sha256: str, artefact: bytes, *, promoted: bool) -> None:
    """Publish a run's verdict as the worker does."""
    engine = create_engine(settings_of(service.database_url))
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    run_id = uuid4()
    async with transaction(sessions) as session:
        runs = RetrainRepository(session)
        await runs.insert(run_id, forced=promoted, min_new_samples=0, new_outcomes=0, requested_by=None)
    verdict = RunVerdict(
        promoted=promoted,
        reason=None if promoted else "it was worse",
        artefact=artefact,
        manifest=dict(Artefact.from_bytes(artefact).manifest),
        metrics=None,
        figures={},
        outcome_ids=(),
        champion_sha256=champion_sha256,
    )
    await publish(sessions, service.clock, run_id, verdict, models_kept=2)
    await engine.dispose()
