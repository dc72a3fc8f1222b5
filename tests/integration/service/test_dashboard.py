"""The dashboard's files: one origin, nothing cached, nothing allowed that the page does not need."""

from __future__ import annotations

import re

import pytest

from service.dashboard.assets import assets
from tests.support.running_service import RunningService

TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@pytest.mark.parametrize("path", ["/", *(f"/dashboard/{name}" for name in sorted(assets()))])
def test_each_file_is_served_strictly_and_needs_no_key(live_service: RunningService, path: str) -> None:
    reply = live_service.request("GET", path)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith(TYPES[(path if path != "/" else ".html").rpartition(".")[2]])
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    policy = dict(rule.strip().split(" ", 1) for rule in reply.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fassets.py", "__init__.py", "page"])
def test_nothing_else_is_served(live_service: RunningService, name: str) -> None:
    assert live_service.request("GET", f"/dashboard/{name}").status == 404


def test_the_api_document_does_not_speak_of_it(live_service: RunningService) -> None:
    paths = live_service.request("GET", "/openapi.json").json()["paths"]
    assert not [path for path in paths if path == "/" or path.startswith("/dashboard")]
    assert "/performance" in paths


def test_the_page_loads_nothing_from_elsewhere_and_has_no_code_in_its_markup() -> None:
    for name, asset in assets().items():
        text = asset.content.decode()
        assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", text), name
        if name.endswith(".html"):
            assert not re.findall(r"\son\w+=|<script>|<style|style=", text)
        if name.endswith(".js"):
            assert not re.findall(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text
            ), name
            imported = re.findall(r"from \"\./(.+?)\"", text)
            assert set(imported) <= set(assets()), name
