"""The errors of KRONOS.

KronosError
├── MarketDataError       a bar, a file or a range of dates cannot be used
├── TrainingRefusedError  the history is too small or too one-sided to train on
├── UnknownFeatureError   a feature, or a revision of it, that this version does not have
└── ArtefactError         a model artefact is damaged, foreign or from a newer version
"""

from __future__ import annotations

__all__ = ["ArtefactError", "KronosError", "MarketDataError", "TrainingRefusedError", "UnknownFeatureError"]


class KronosError(Exception):
    """A problem that the caller can solve; its text is one line that says what is wrong and what to do."""


class MarketDataError(KronosError):
    """A bar, a file or a range of dates cannot be used."""


class TrainingRefusedError(KronosError):
    """The history is too small or too one-sided to train on."""


class UnknownFeatureError(KronosError):
    """A feature, or a revision of it, that this version does not have."""


class ArtefactError(KronosError):
    """A model artefact is damaged, foreign or from a newer version."""
