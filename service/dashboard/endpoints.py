"""HTTP endpoints for the dashboard. The page holds no data, so it needs no key; it asks the API for what it shows."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.dashboard.assets import PAGE, Asset, assets
from service.errors import NotFoundError

router = APIRouter(include_in_schema=False)

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@router.get("/")
async def get_page() -> Response:
    """Serve the page."""
    return _response(assets()[PAGE])


@router.get("/dashboard/{name}")
async def get_asset(name: str) -> Response:
    """Serve one of the page's files."""
    asset = assets().get(name)
    if asset is None:
        raise NotFoundError("there is no such file")
    return _response(asset)


def _response(asset: Asset) -> Response:
    return Response(asset.content, media_type=asset.media_type, headers=HEADERS)
