"""What can happen to a model: it is stored as a candidate, promoted, or rolled back to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from ares_client.contract import Metrics, ModelInfo
from kronos.errors import ArtefactError
from kronos.market.clock import Clock
from kronos.model.artefact import identity
from kronos.model.model import Model
from service.db.notifications import Topic, notify
from service.db.tables import ModelVersionRow
from service.errors import ArtefactGoneError, ArtefactRefusedError, NotFoundError
from service.models.repository import ModelRepository


class ModelService:
    """Uploads, lists and activates models."""

    def __init__(self, session: AsyncSession, clock: Clock, models_kept: int) -> None:
        self._session = session
        self._models = ModelRepository(session)
        self._clock = clock
        self._models_kept = models_kept

    async def upload(self, content: bytes, *, activate: bool) -> tuple[ModelInfo, bool]:
        """Store an artefact: as the champion if there is none or if `activate` is set, else as a candidate.

        Returns
        -------
        The version, and whether it is new. The same bytes always give the same version.

        Raises
        ------
        ArtefactRefusedError
        """
        try:
            model = await asyncio.to_thread(Model.from_bytes, content)
        except ArtefactError as error:
            raise ArtefactRefusedError(str(error)) from error
        await self._models.lock()
        row = await self._models.by_sha256(identity(content))
        new = row is None
        if row is not None:
            row.artefact = content
        else:
            row = await self._models.insert(
                origin="upload",
                state="candidate",
                sha256=identity(content),
                artefact=content,
                manifest=dict(model.manifest),
                metrics=model.headline_metrics,
            )
        if activate or await self._models.champion() is None:
            await self._promote(row)
        await self._models.let_go(self._models_kept, spared=row.version)
        return model_info(row), new

    async def activate(self, version: str) -> ModelInfo:
        """Make a stored version the champion: a manual promotion, or a rollback.

        Raises
        ------
        NotFoundError, ArtefactGoneError, ArtefactRefusedError
        """
        await self._existing(version)
        content = await self._models.artefact(version)
        if content is None:
            raise ArtefactGoneError(f"only the newest {self._models_kept} artefacts are kept; upload its file again")
        try:
            await asyncio.to_thread(Model.from_bytes, content)
        except ArtefactError as error:
            raise ArtefactRefusedError(str(error)) from error
        await self._models.lock()
        row = await self._existing(version)
        if not await self._models.is_stored(version):
            raise ArtefactGoneError("its artefact was deleted just now; upload its file again")
        await self._promote(row)
        return model_info(row)

    async def list(self) -> Sequence[ModelInfo]:
        """All versions, newest first, without their manifests."""
        return [model_info(row, stored=stored) for row, stored in await self._models.all()]

    async def get(self, version: str) -> ModelInfo:
        """One version, with its manifest.

        Raises
        ------
        NotFoundError
        """
        row = await self._existing(version)
        return model_info(row, with_manifest=True, stored=await self._models.is_stored(version))

    async def _existing(self, version: str) -> ModelVersionRow:
        row = await self._models.by_version(version)
        if row is None:
            raise NotFoundError("there is no such model version")
        return row

    async def _promote(self, row: ModelVersionRow) -> None:
        if row.state != "champion":
            await self._models.promote(row, self._clock())
            await notify(self._session, Topic.CHAMPION)


def model_info(row: ModelVersionRow, *, with_manifest: bool = False, stored: bool = True) -> ModelInfo:
    """A stored version in the form of the contract."""
    return ModelInfo.model_validate(
        {
            "version": row.version,
            "state": row.state,
            "sha256": row.sha256,
            "created_at": row.created_at,
            "activated_at": row.activated_at,
            "stored": stored,
            "origin": row.origin,
            "silenced_variants": row.silenced_variants,
            "metrics": None if row.metrics is None else Metrics.model_validate(row.metrics),
            "manifest": row.manifest if with_manifest else None,
        }
    )
