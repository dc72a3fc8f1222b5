"""Bring the manifest of every readable format into the newest form, so that older artefacts keep serving.

Format 1 had three variants with fixed features, and probes without bars. Its features are the first revisions.
Format 2 had one definition of labels: at the open, SPX's printed open was the price. Neither says where the prices of
its training rows come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from kronos.condor.spec import CondorSpec, LabelDefinition
from kronos.errors import ArtefactError

NEWEST_FORMAT: Final = 3
FIRST_WITH_REGISTRY: Final = 2
"""From this format on, the manifest lists features by name and revision, and probes have bars."""
FIRST_WITH_SOURCES: Final = 3
"""From this format on, training rows say where their price at entry comes from."""
FORMAT_1_SCHEMA: Final = "7de1949afbef1c10100cf37b7bedbb8e1fbbce580a8ab006283a602963861676"
"""How format 1 identified its features: the SHA-256 of their names and of the window and prior they used."""

FORMAT_1_MINIMAL: Final = ("vix", "day_of_week", "expected_move_pct")
FORMAT_1_MARKET: Final = (
    *FORMAT_1_MINIMAL,
    "vix_percentile_30d",
    "vix_change_1d",
    "price_change_1d",
    "win_rate_30d",
)
FORMAT_1_FULL: Final = (
    *FORMAT_1_MARKET,
    "realised_5_over_implied",
    "realised_22_over_implied",
    "range_5_over_implied",
    "range_22_over_implied",
    "return_5",
    "drawdown_66",
    "holidays_ahead",
)
FORMAT_1_VARIANTS: Final = {"full": FORMAT_1_FULL, "market": FORMAT_1_MARKET, "minimal": FORMAT_1_MINIMAL}


def require_readable(number: object) -> None:
    """Refuse a format that this version cannot read.

    Raises
    ------
    ArtefactError
        With a message that names the format and says what to do.
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ArtefactError("the manifest names no format: this is not a model artefact")
    if number > NEWEST_FORMAT:
        raise ArtefactError(
            f"the artefact has format {number}; this version reads formats 1 to {NEWEST_FORMAT}: upgrade the advisor"
        )


def spec_in(manifest: Mapping[str, Any]) -> CondorSpec:
    """The trade that a model of any readable format was trained for."""
    stated = manifest["spec"]
    if manifest["format"] >= FIRST_WITH_SOURCES:
        return CondorSpec(**stated)
    label: LabelDefinition = "printed_open" if stated["entry"] == "open" else "implied_open"
    return CondorSpec(**{**stated, "label": label})


def in_newest_format(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """A manifest of any readable format in the newest form; a manifest already in it is returned unchanged.

    Raises
    ------
    ArtefactError
        If a format 1 model was trained on features that no version of this project had.
    """
    if manifest["format"] == NEWEST_FORMAT:
        return manifest
    manifest = {**manifest, "spec": asdict(spec_in(manifest))}
    if manifest["format"] == FIRST_WITH_REGISTRY:
        return manifest
    if manifest.get("feature_schema_sha256") != FORMAT_1_SCHEMA:
        raise ArtefactError("the model was trained on features that this version does not know: train it again")
    variants = [
        {**manifest["variants"][name], "name": name, "features": _first_revisions(features)}
        for name, features in FORMAT_1_VARIANTS.items()
    ]
    kept = {name: value for name, value in manifest.items() if name != "feature_schema_sha256"}
    return {**kept, "variants": variants, "features": _first_revisions(FORMAT_1_FULL)}


def _first_revisions(names: tuple[str, ...]) -> list[list[Any]]:
    return [[name, 1] for name in names]
