"""The registry of features: name, revision, unit, meaning, and the function that computes each feature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from kronos.errors import UnknownFeatureError
from kronos.features.entries import Entries
from kronos.market.history import Floats

Encoding = Literal["linear", "log", "weekday"]
VariantName = Literal["minimal", "market", "full", "term"]
"""From the poorest to the richest."""
HEADLINE: Final[VariantName] = "full"
"""The variant that figures of a model as a whole are about."""
Compute = Callable[[Entries], Floats]

WEEKDAYS = 5


class FeatureId(NamedTuple):
    """A feature's name, and the revision of its definition."""

    name: str
    revision: int


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """One declared feature.

    Attributes
    ----------
    id : name and revision; a new definition gets a new revision
    unit : of the values, such as `%`
    meaning : a few words for the report and the API document
    lookback_sessions : number of sessions before entry that it reads; a longer history changes nothing
    encoding : how the model sees it: unchanged, as its logarithm, or as five weekday indicators
    variants : the variants of new models that use it; none if it is retired
    is_listed : whether it reads a list that travels with the code and may be corrected
    compute : returns (n,) values for n entries; NaN or infinite where they cannot be known
    """

    id: FeatureId
    unit: str
    meaning: str
    lookback_sessions: int
    encoding: Encoding
    variants: tuple[VariantName, ...]
    is_listed: bool
    compute: Compute

    def __reduce__(self) -> tuple[Callable[[FeatureId], Feature], tuple[FeatureId]]:
        """Pickle by name, so that another process gets its own declaration rather than a copy."""
        return _declared_as, (self.id,)

    @property
    def name(self) -> str:
        """The name, without the revision."""
        return self.id.name

    @property
    def columns(self) -> int:
        """The number of columns that the model sees."""
        return WEEKDAYS if self.encoding == "weekday" else 1

    def encoded(self, values: Floats) -> Floats:
        """The columns that the model sees.

        Parameters
        ----------
        values : (n,)

        Returns
        -------
        (n, columns)
        """
        if self.encoding == "weekday":
            return np.asarray(values[:, None] == np.arange(WEEKDAYS), dtype=np.float64)
        return (np.log(values) if self.encoding == "log" else values)[:, None]


_registry: dict[FeatureId, Feature] = {}


def _declared_as(identity: FeatureId) -> Feature:
    return _registry[identity]


def feature(
    *,
    unit: str,
    lookback_sessions: int,
    revision: int = 1,
    encoding: Encoding = "linear",
    variants: tuple[VariantName, ...] = (HEADLINE,),
    is_listed: bool = False,
) -> Callable[[Compute], Compute]:
    """Declare the decorated function as a feature. Its name and the first line of its docstring become the feature's.

    Raises
    ------
    ValueError
        If the name is already declared at this revision.
    """

    def declare(compute: Compute) -> Compute:
        identity = FeatureId(compute.__name__, revision)
        if identity in _registry:
            raise ValueError(f"feature {identity.name} is declared twice at revision {revision}")
        meaning = (compute.__doc__ or "").partition("\n")[0].removesuffix(".")
        _registry[identity] = Feature(
            identity, unit, meaning, lookback_sessions, encoding, variants, is_listed, compute
        )
        return compute

    return declare


def declared() -> Sequence[Feature]:
    """Every declared feature, including retired ones, in the order of declaration."""
    return tuple(_registry.values())


def current(name: str) -> Feature:
    """The newest revision of a feature.

    Raises
    ------
    UnknownFeatureError
    """
    revisions = [identity for identity in _registry if identity.name == name]
    if not revisions:
        raise UnknownFeatureError(f"no feature is called {name}")
    return _registry[max(revisions)]


def features_of(identities: Iterable[FeatureId]) -> tuple[Feature, ...]:
    """The declarations of these names and revisions, in the same order.

    Raises
    ------
    UnknownFeatureError
        For the first one that this version does not know.
    """
    found = []
    for identity in identities:
        if identity not in _registry:
            raise UnknownFeatureError(f"this version has no feature {identity.name} at revision {identity.revision}")
        found.append(_registry[identity])
    return tuple(found)
