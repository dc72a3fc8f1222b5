"""The live model: one reference that is swapped as a whole, and a copy on disk for a start without Postgres."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from kronos.errors import ArtefactError
from kronos.model.artefact import identity
from kronos.model.model import Model
from service.errors import NoModelError
from service.process.atomic_files import replace_file

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A loaded model that has passed its probes, with the version that the service gave it.

    Attributes
    ----------
    silenced : its variants that have lost their skill since training
    """

    version: str
    sha256: str
    model: Model
    silenced: frozenset[str] = frozenset()

    @classmethod
    def load(cls, version: str, content: bytes, silenced: Collection[str] = ()) -> ServedModel:
        """Load and check an artefact. This is slow, so call it in a thread.

        Raises
        ------
        ArtefactError
        """
        return cls(version, identity(content), Model.from_bytes(content), frozenset(silenced))


class ModelHolder:
    """Holds the model being served. A new one is fully loaded before it replaces the old one."""

    def __init__(self) -> None:
        self._served: ServedModel | None = None

    @property
    def served(self) -> ServedModel | None:
        """The model being served, if any."""
        return self._served

    def swap(self, served: ServedModel) -> None:
        """Serve another model from the next request on."""
        self._served = served
        log.info("model_live", model_version=served.version, sha256=served.sha256)

    def silence(self, served: ServedModel, variants: frozenset[str]) -> ServedModel | None:
        """Let exactly these variants of a model be silent; None if it is no longer served, or they are already."""
        now = self._served
        if now is None or now.version != served.version or now.silenced == variants:
            return None
        self._served = replace(now, silenced=variants)
        log.warning("variants_without_skill", model_version=now.version, variants=sorted(variants))
        return self._served

    def require(self) -> ServedModel:
        """The model being served.

        Raises
        ------
        NoModelError
        """
        if self._served is None:
            raise NoModelError("no model is loaded: train one with `kronos train --push`, or POST /models")
        return self._served


class ChampionOnDisk:
    """The last champion, as `champion/<version>.ares` in the data folder, and its silent variants beside it."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "champion"

    def save(self, served: ServedModel, content: bytes) -> None:
        """Keep this champion and no other. A failure is only logged, because serving does not depend on it."""
        self.note(served)
        try:
            kept = self._folder / f"{served.version}.ares"
            replace_file(kept, content)
            for other in self._folder.iterdir():
                if other not in (kept, self._silenced(served.version)):
                    other.unlink(missing_ok=True)
        except OSError as error:
            log.warning("champion_not_kept_on_disk", model_version=served.version, error=str(error))

    def note(self, served: ServedModel) -> None:
        """Keep which of its variants are silent. A failure is only logged."""
        try:
            replace_file(self._silenced(served.version), json.dumps(sorted(served.silenced)).encode())
        except OSError as error:
            log.warning("champion_not_kept_on_disk", model_version=served.version, error=str(error))

    def load(self) -> ServedModel | None:
        """The champion on disk; None if there is none that can be used."""
        for path in sorted(self._folder.glob("*.ares"), key=lambda found: found.stat().st_mtime, reverse=True):
            try:
                return ServedModel.load(path.stem, path.read_bytes(), self._silenced_in(path.stem))
            except (ArtefactError, OSError) as error:
                log.warning("champion_on_disk_refused", path=str(path), error=str(error))
        return None

    def _silenced(self, version: str) -> Path:
        return self._folder / f"{version}.silenced.json"

    def _silenced_in(self, version: str) -> frozenset[str]:
        try:
            return frozenset(map(str, json.loads(self._silenced(version).read_text())))
        except FileNotFoundError:
            return frozenset()
        except (ValueError, TypeError) as error:
            log.warning("silenced_variants_on_disk_refused", model_version=version, error=type(error).__name__)
            return frozenset()
