"""Retention: old artefacts go, never the champion's or its predecessor's, and a version always means one model."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kronos.training.export import TrainedModel
from tests.conftest import StartProcess
from tests.support.processes import AdvisorProcess


@pytest.fixture
def thrifty_service(start_process: StartProcess, database_url: str) -> AdvisorProcess:
    return start_process("serve", database_url, ADVISOR_MODELS_KEPT="2")


def upload(service: AdvisorProcess, trained: TrainedModel, number: int, *, activate: bool = False) -> dict[str, Any]:
    artefact = dataclasses.replace(trained.artefact, manifest={**trained.artefact.manifest, "note": number})
    path = "/models?activate=true" if activate else "/models"
    reply = service.request("POST", path, body=artefact.to_bytes())
    assert reply.status in {200, 201}, reply.data
    info: dict[str, Any] = reply.json()
    return info


def stored(service: AdvisorProcess) -> dict[str, bool]:
    return {model["version"]: model["stored"] for model in service.request("GET", "/models").json()}


def test_the_champion_and_its_predecessor_stay(thrifty_service: AdvisorProcess, trained: TrainedModel) -> None:
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
    thrifty_service: AdvisorProcess, trained: TrainedModel
) -> None:
    for number in range(1, 5):
        upload(thrifty_service, trained, number)
    refused = thrifty_service.request("POST", "/models/2.0.0/activate")
    assert refused.status == 409
    assert "upload its file again" in refused.json()["detail"]
    again = upload(thrifty_service, trained, 2, activate=True)
    assert (again["version"], again["state"]) == ("2.0.0", "champion")
    assert stored(thrifty_service)["2.0.0"] is True
