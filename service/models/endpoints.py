"""HTTP endpoints for the models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ares_client.contract import ModelInfo
from service.http.authorisation import require
from service.http.body_limit import read_body
from service.http.dependencies import Session, State
from service.http.problems import guarded
from service.keys.scopes import Scope
from service.models.service import ModelService

router = APIRouter(tags=["models"])


async def _models(state: State, session: Session) -> ModelService:
    return ModelService(session, state.clock, state.settings.models_kept)


ModelServiceDependency = Annotated[ModelService, Depends(_models, scope="function")]

VersionPath = Annotated[str, Path(pattern=r"^\d{1,9}\.\d{1,9}\.\d{1,9}$", examples=["1.4.0"])]

ARTEFACT_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/models",
    status_code=201,
    dependencies=[require(Scope.OPERATE)],
    openapi_extra=ARTEFACT_BODY,
    responses={200: {"model": ModelInfo, "description": "Already stored"}, **guarded(413, 422)},
)
async def upload_model(
    request: Request,
    response: Response,
    models: ModelServiceDependency,
    state: State,
    activate: Annotated[bool, Query(description="make it the champion immediately")] = False,
) -> ModelInfo:
    """Upload an artefact. It becomes the champion if there is none or if `activate` is set, else a candidate."""
    content = await read_body(request, state.settings.max_artefact_bytes)
    info, new = await models.upload(content, activate=activate)
    response.status_code = 201 if new else 200
    return info


@router.get("/models", dependencies=[require(Scope.READ)], responses=guarded())
async def list_models(models: ModelServiceDependency) -> Sequence[ModelInfo]:
    """List every stored version, newest first."""
    return await models.list()


@router.get("/models/{version}", dependencies=[require(Scope.READ)], responses=guarded(404, 422))
async def get_model(version: VersionPath, models: ModelServiceDependency) -> ModelInfo:
    """Get one version, with its manifest."""
    return await models.get(version)


@router.post("/models/{version}/activate", dependencies=[require(Scope.OPERATE)], responses=guarded(404, 409, 422))
async def activate_model(version: VersionPath, models: ModelServiceDependency) -> ModelInfo:
    """Make a stored version the champion. This is also how to roll back."""
    return await models.activate(version)
