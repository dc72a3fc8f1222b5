"""The OpenAPI document: current, every error declared, every message with an example that is true."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

import ares_client.contract
from service.app import create_app
from service.health import endpoints as health
from service.http.examples import EXAMPLES
from tests.support.paths import ROOT
from tests.support.running_service import RunningService
from tests.support.settings import ExplicitSettings

COMMITTED = ROOT / "docs" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(COMMITTED.read_text())
OPERATIONS = [(method, path) for path, operations in DOCUMENT["paths"].items() for method in operations]
OPEN = {"/livez", "/readyz"}


def operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def test_the_committed_document_is_the_services_own() -> None:
    assert create_app(ExplicitSettings()).openapi() == DOCUMENT


def test_it_holds_all_routes() -> None:
    assert {f"{method.upper()} {path}" for method, path in OPERATIONS} == {
        "POST /advice",
        "POST /outcomes",
        "GET /outcomes",
        "POST /retrain",
        "GET /retrain",
        "GET /retrain/{run_id}",
        "POST /models",
        "GET /models",
        "GET /models/{version}",
        "POST /models/{version}/activate",
        "PUT /market-days",
        "GET /performance",
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
    }


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_error_is_declared_as_a_problem_with_an_example(method: str, path: str) -> None:
    responses = operation(method, path)["responses"]
    errors = {int(status) for status in responses if status >= "400"}
    if path not in OPEN:
        assert {401, 403, 429, 503} <= errors
        assert operation(method, path)["security"]
        assert "Needs a key with the scope" in operation(method, path)["description"]
    takes_json = "application/json" in operation(method, path).get("requestBody", {}).get("content", {})
    if takes_json:
        assert {400, 413, 422} <= errors
    if "parameters" in operation(method, path):
        assert 422 in errors
    for status in errors:
        (media_type,) = responses[str(status)]["content"]
        assert media_type == "application/problem+json"
        assert responses[str(status)]["content"][media_type]["example"]["status"] == status


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_message_has_an_example(method: str, path: str) -> None:
    bodies = [operation(method, path).get("requestBody", {})]
    bodies += [body for status, body in operation(method, path)["responses"].items() if status < "300"]
    for body in bodies:
        for media_type, content in body.get("content", {}).items():
            if media_type == "application/json":
                for name in referenced(content["schema"]):
                    assert DOCUMENT["components"]["schemas"][name]["examples"], name


def referenced(schema: dict[str, Any]) -> list[str]:
    """The messages that a body is made of."""
    options = schema.get("anyOf", [schema.get("items", schema)])
    return [option["$ref"].rsplit("/", 1)[1] for option in options if option != {"type": "null"}]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_one(name: str) -> None:
    model: type[BaseModel] = getattr(ares_client.contract, name, None) or getattr(health, name)
    example = EXAMPLES[name]
    assert set(example) <= set(model.model_fields)
    model.model_validate_json(json.dumps(example))


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/advice", "AdviceRequest"),
        ("POST", "/outcomes", "Outcome"),
        ("POST", "/outcomes", "OutcomeBatch"),
        ("POST", "/retrain", "RetrainRequest"),
        ("PUT", "/market-days", "MarketDays"),
    ],
)
def test_a_requests_example_is_taken(ready_service: RunningService, method: str, path: str, name: str) -> None:
    assert ready_service.request(method, path, EXAMPLES[name]).status < 300
