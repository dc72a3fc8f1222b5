"""The OpenAPI document: what FastAPI derives, plus every error as a problem and an example of every message."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from ares_client.contract import Outcome, OutcomeBatch, Problem
from kronos.features.variants import CURRENT_FEATURES
from service.http.examples import EXAMPLES, PROBLEM_EXAMPLES

NOT_IN_SIGNATURES: tuple[type[BaseModel], ...] = (Problem, Outcome, OutcomeBatch)
NEVER_SENT = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> None:
    """Complete the application's document, which is built once, on first use."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document["components"]["schemas"]
            for model in NOT_IN_SIGNATURES:
                _add_schema(schemas, model)
            for name in NEVER_SENT:
                schemas.pop(name, None)
            for name, example in EXAMPLES.items():
                schemas[name]["examples"] = [example]
            _describe_features(schemas["AdviceRequest"]["properties"])
            for path in document["paths"].values():
                for operation in path.values():
                    _complete(operation)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _describe_features(fields: dict[str, Any]) -> None:
    """Describe each feature that a request may carry, in the words of its declaration."""
    for feature in CURRENT_FEATURES:
        if feature.name in fields:
            fields[feature.name]["description"] = f"{feature.meaning}; {feature.unit}"


def _add_schema(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema


def _complete(operation: dict[str, Any]) -> None:
    """Give each problem an example, and say which scope the route requires."""
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if "application/problem+json" in content:
            # FastAPI adds its own JSON schema to responses that it knows by number.
            response["content"] = {"application/problem+json": content["application/problem+json"]}
            response["content"]["application/problem+json"]["example"] = PROBLEM_EXAMPLES[status]
    for requirement in operation.get("security", []):
        for scopes in requirement.values():
            if scopes:
                operation["description"] += f"\n\nNeeds a key with the scope `{'`, `'.join(scopes)}`."
