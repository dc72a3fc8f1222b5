"""The body of every error response."""

from __future__ import annotations

from typing import Any

from ares_client.contract.values import Reply


class Problem(Reply):
    """RFC 9457 problem details. They never contain a value that the caller sent."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None
    errors: list[dict[str, Any]] | None = None
