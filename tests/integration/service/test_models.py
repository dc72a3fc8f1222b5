"""Models over real HTTP: upload, list, inspect, activate; a file that cannot be trusted changes nothing."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np
import pytest

from kronos.model.artefact import Artefact
from kronos.training.export import TrainedModel
from tests.support.processes import query, wait_until
from tests.support.running_service import RunningService


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def with_manifest(trained: TrainedModel, **changes: Any) -> bytes:
    artefact = trained.artefact
    return dataclasses.replace(artefact, manifest={**artefact.manifest, **changes}).to_bytes()


def with_format(content: bytes, number: int) -> bytes:
    body = content[:-64].replace(b'"format": 3,', f'"format": {number},'.encode())
    return rezipped(body)


def rezipped(body: bytes) -> bytes:
    """The same members with matching checksums, signed anew."""
    import io
    import zipfile

    source = zipfile.ZipFile(io.BytesIO(body))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for member in source.infolist():
            source.fp.seek(member.header_offset + 30 + len(member.filename))  # type: ignore[union-attr]
            target.writestr(member, source.fp.read(member.file_size))  # type: ignore[union-attr]
    signed = buffer.getvalue()
    return signed + hashlib.sha256(signed).hexdigest().encode()


def other_model(trained: TrainedModel) -> bytes:
    """A second, valid artefact."""
    return with_manifest(trained, note="another")


@pytest.fixture
def refusals(artefact: bytes, trained: TrainedModel) -> dict[str, tuple[bytes, str]]:
    arrays = dict(trained.artefact.arrays)
    arrays["full/logistic_slope"] = arrays["full/logistic_slope"] + 0.01
    outside = dict(trained.artefact.arrays)
    outside["full/tree_roots"] = np.array([10_000], dtype=np.int32)
    return {
        "one flipped byte": (flipped(artefact), "SHA-256"),
        "cut short": (artefact[:-100], "SHA-256"),
        "empty": (b"", "SHA-256"),
        "a pickle": (b"\x80\x04." + hashlib.sha256(b"\x80\x04.").hexdigest().encode(), "not a model artefact"),
        "newer format": (with_format(artefact, 4), "format 4; this version reads formats 1 to 3"),
        "unknown feature": (with_manifest(trained, features=[["phase_of_the_moon", 1]]), "phase_of_the_moon"),
        "later revision": (with_manifest(trained, features=[["vix", 9]]), "vix at revision 9"),
        "probes differ": (Artefact(trained.artefact.manifest, arrays).to_bytes(), "probe"),
        "tree out of bounds": (Artefact(trained.artefact.manifest, outside).to_bytes(), "variant full: a tree"),
    }


def test_an_artefact_that_cannot_be_trusted_is_refused_and_the_old_model_keeps_serving(
    ready_service: RunningService, refusals: dict[str, tuple[bytes, str]]
) -> None:
    for name, (content, reason) in refusals.items():
        response = ready_service.request("POST", "/models?activate=true", body=content)
        assert response.status == 422, name
        assert reason in response.json()["detail"], name
    assert [info["version"] for info in ready_service.request("GET", "/models").json()] == ["1.0.0"]
    assert ready_service.request("GET", "/readyz").json()["model_version"] == "1.0.0"


def test_the_first_upload_is_the_champion_and_the_next_a_candidate(
    ready_service: RunningService, trained: TrainedModel, artefact: bytes
) -> None:
    again = ready_service.request("POST", "/models", body=artefact)
    assert (again.status, again.json()["version"]) == (200, "1.0.0")
    second = ready_service.request("POST", "/models", body=other_model(trained))
    assert (second.status, second.json()["version"], second.json()["state"]) == (201, "2.0.0", "candidate")
    assert ready_service.request("GET", "/readyz").json()["model_version"] == "1.0.0"


def test_activation_swaps_without_restart_and_rolls_back(ready_service: RunningService, trained: TrainedModel) -> None:
    def serving(version: str) -> None:
        wait_until(lambda: ready_service.request("GET", "/readyz").json()["model_version"] == version)

    ready_service.request("POST", "/models?activate=true", body=other_model(trained))
    serving("2.0.0")
    rolled_back = ready_service.request("POST", "/models/1.0.0/activate")
    assert (rolled_back.status, rolled_back.json()["state"]) == (200, "champion")
    serving("1.0.0")
    states = query(ready_service.database_url, "SELECT version, state FROM model_versions ORDER BY version")
    assert [tuple(row) for row in states] == [("1.0.0", "champion"), ("2.0.0", "retired")]


def test_one_version_shows_its_manifest_and_out_of_sample_metrics(ready_service: RunningService) -> None:
    info = ready_service.request("GET", "/models/1.0.0").json()
    assert info["manifest"]["training"]["last"] == "2018-12-31"
    assert info["metrics"]["brier_skill"] > 0
    assert "manifest" not in {key for key, value in ready_service.request("GET", "/models").json()[0].items() if value}


@pytest.mark.parametrize("version", ["%00", "1.0.0%00", "latest", "1.0"])
def test_what_is_no_version_is_422(live_service: RunningService, version: str) -> None:
    assert live_service.request("GET", f"/models/{version}").status == 422
    assert live_service.request("POST", f"/models/{version}/activate").status == 422


def test_an_unknown_version_is_404(live_service: RunningService) -> None:
    assert live_service.request("GET", "/models/9.9.9").status == 404
    assert live_service.request("POST", "/models/9.9.9/activate").status == 404


def test_a_stored_champion_that_fails_its_checks_is_not_served_and_is_told(
    ready_service: RunningService, artefact: bytes
) -> None:
    def store(content: bytes, sha256: str) -> None:
        query(ready_service.database_url, "UPDATE model_versions SET artefact = $1, sha256 = $2", content, sha256)
        query(ready_service.database_url, "SELECT pg_notify('advisor_changes', 'champion')")

    def says(line: bytes) -> bool:
        return line in ready_service.request("GET", "/metrics").data.splitlines()

    store(flipped(artefact), "0" * 64)
    wait_until(lambda: says(b"advisor_champion_refused 1.0"))
    assert ready_service.request("GET", "/readyz").json()["model_version"] == "1.0.0"
    assert ready_service.request("POST", "/advice", {"vix": 20, "price": 2500}).status == 200
    store(artefact, hashlib.sha256(artefact).hexdigest())
    wait_until(lambda: says(b"advisor_champion_refused 0.0"))
