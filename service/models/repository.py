"""SQL for the stored models."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from kronos.condor.spec import CondorSpec
from kronos.model.formats import spec_in
from service.db.locks import Lock, hold
from service.db.tables import ModelVersionRow


class ChampionIdentity(NamedTuple):
    """Which model is the champion.

    Attributes
    ----------
    silenced : its variants that have lost their skill since training
    """

    version: str
    sha256: str
    silenced: frozenset[str]

    def is_of(self, version: str, sha256: str) -> bool:
        """Whether this is that version with those bytes."""
        return (self.version, self.sha256) == (version, sha256)


class ModelRepository:
    """Model versions within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Lock out other transactions that number, insert or promote versions."""
        await hold(self._session, Lock.PROMOTE)

    async def champion(self) -> ModelVersionRow | None:
        """The champion, without its bytes."""
        return await self._session.scalar(select(ModelVersionRow).where(ModelVersionRow.state == "champion"))

    async def champion_identity(self) -> ChampionIdentity | None:
        """Which model is the champion, and which of its variants are silent."""
        columns = (ModelVersionRow.version, ModelVersionRow.sha256, ModelVersionRow.silenced_variants)
        row = (await self._session.execute(select(*columns).where(ModelVersionRow.state == "champion"))).first()
        return None if row is None else ChampionIdentity(row[0], row[1], frozenset(row[2]))

    async def champion_spec(self) -> CondorSpec | None:
        """The trade that the champion was trained for."""
        columns = (ModelVersionRow.manifest["spec"], ModelVersionRow.manifest["format"])
        row = (await self._session.execute(select(*columns).where(ModelVersionRow.state == "champion"))).first()
        return None if row is None else spec_in({"spec": row[0], "format": row[1]})

    async def silence(self, version: str, variants: Collection[str]) -> bool:
        """Store which variants of a version are silent; whether that is news."""
        named = sorted(variants)
        told = await self._session.scalar(
            update(ModelVersionRow)
            .where(ModelVersionRow.version == version, ModelVersionRow.silenced_variants != named)
            .values(silenced_variants=named)
            .returning(ModelVersionRow.version)
            .execution_options(synchronize_session=False)
        )
        return told is not None

    async def artefact(self, version: str) -> bytes | None:
        """The bytes of a version; None if there is no such version, or retention deleted them."""
        return await self._session.scalar(select(ModelVersionRow.artefact).where(ModelVersionRow.version == version))

    async def by_version(self, version: str) -> ModelVersionRow | None:
        """One version with its manifest."""
        return await self._session.scalar(
            select(ModelVersionRow).where(ModelVersionRow.version == version).options(undefer(ModelVersionRow.manifest))
        )

    async def by_sha256(self, sha256: str) -> ModelVersionRow | None:
        """The version of an artefact that is already stored."""
        return await self._session.scalar(select(ModelVersionRow).where(ModelVersionRow.sha256 == sha256))

    async def is_stored(self, version: str) -> bool:
        """Whether the bytes of a version are still stored."""
        kept = select(ModelVersionRow.artefact.is_not(None)).where(ModelVersionRow.version == version)
        return bool(await self._session.scalar(kept))

    async def all(self) -> Sequence[tuple[ModelVersionRow, bool]]:
        """Every version, newest first, and whether its bytes are still stored."""
        found = await self._session.execute(
            select(ModelVersionRow, ModelVersionRow.artefact.is_not(None)).order_by(
                ModelVersionRow.major.desc(), ModelVersionRow.minor.desc()
            )
        )
        return [(row, stored) for row, stored in found]

    async def next_version(self, origin: str) -> tuple[int, int]:
        """The next major version for an upload, or minor version for a retrain. Call with the lock held."""
        if origin == "retrain":
            champion = await self.champion()
            major = champion.major if champion else 1
            newest = select(func.max(ModelVersionRow.minor)).where(ModelVersionRow.major == major)
            return major, (await self._session.scalar(newest) or 0) + 1
        return (await self._session.scalar(select(func.max(ModelVersionRow.major))) or 0) + 1, 0

    async def insert(
        self,
        *,
        origin: str,
        state: str,
        sha256: str,
        artefact: bytes,
        manifest: dict[str, Any],
        metrics: dict[str, Any] | None,
        run_id: UUID | None = None,
    ) -> ModelVersionRow:
        """Store an artefact under the next version. Call with the lock held."""
        major, minor = await self.next_version(origin)
        row = ModelVersionRow(
            version=f"{major}.{minor}.0",
            major=major,
            minor=minor,
            origin=origin,
            state=state,
            sha256=sha256,
            artefact=artefact,
            manifest=manifest,
            metrics=metrics,
            run_id=run_id,
        )
        self._session.add(row)
        await self._session.flush()
        await self._session.refresh(row, ["created_at"])
        return row

    async def let_go(self, kept: int, spared: str) -> Sequence[str]:
        """Delete the bytes of all but the newest `kept` versions, refused ones first.

        The champion, its predecessor and `spared`, the version just stored, always keep theirs. The rows stay, so that
        a version always means the same model. Call with the lock held.
        """
        newest = select(ModelVersionRow.version).where(ModelVersionRow.artefact.is_not(None))
        newest = newest.order_by(
            ModelVersionRow.state == "refused", ModelVersionRow.created_at.desc(), ModelVersionRow.version
        ).limit(kept)
        predecessor = select(ModelVersionRow.version).where(ModelVersionRow.state == "retired")
        predecessor = predecessor.order_by(ModelVersionRow.activated_at.desc()).limit(1)
        dropped = await self._session.scalars(
            update(ModelVersionRow)
            .where(
                ModelVersionRow.artefact.is_not(None),
                ModelVersionRow.state != "champion",
                ModelVersionRow.version != spared,
                ModelVersionRow.version.not_in(newest),
                ModelVersionRow.version.not_in(predecessor),
            )
            .values(artefact=None)
            .returning(ModelVersionRow.version)
            .execution_options(synchronize_session=False)
        )
        return dropped.all()

    async def promote(self, row: ModelVersionRow, now: datetime) -> None:
        """Make a version the champion and retire the previous one. Call with the lock held."""
        await self._session.execute(
            update(ModelVersionRow).where(ModelVersionRow.state == "champion").values(state="retired")
        )
        row.state = "champion"
        row.activated_at = now
        await self._session.flush()
