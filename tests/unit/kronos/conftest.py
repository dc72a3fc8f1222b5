"""Features that a test declares are gone after it."""

from __future__ import annotations

import pytest

from kronos.features import registry
from kronos.features.registry import Feature, FeatureId


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> dict[FeatureId, Feature]:
    """The registry of features as a copy, for this test to change."""
    copied = dict(registry._registry)
    monkeypatch.setattr(registry, "_registry", copied)
    return copied
