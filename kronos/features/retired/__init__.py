"""Declarations that no new model uses but a readable artefact may: they stay computable, so that it goes on serving."""

from types import ModuleType

RETIRED: tuple[ModuleType, ...] = ()
