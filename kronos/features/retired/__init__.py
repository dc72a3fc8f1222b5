"""Features that no new model uses. They stay computable, so that models trained on them keep serving."""

from types import ModuleType

RETIRED: tuple[ModuleType, ...] = ()
