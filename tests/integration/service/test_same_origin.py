"""Pages of other origins: what they make a browser send changes nothing, and a name that was rebound opens nothing."""

from __future__ import annotations

import pytest

from tests.support.in_process import StartService
from tests.support.keys import BOOTSTRAP_KEY
from tests.support.running_service import RunningService

ELSEWHERE = {"origin": "https://evil.example", "content-type": "text/plain"}
CHANGES = [
    ("POST", "/models?activate=true"),
    ("POST", "/models/1.0.0/activate"),
    ("POST", "/retrain"),
    ("POST", "/outcomes"),
    ("PUT", "/market-days"),
    ("POST", "/advice"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize(
    "headers", [ELSEWHERE, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"}]
)
def test_a_page_of_another_origin_changes_nothing(
    live_service: RunningService, method: str, path: str, headers: dict[str, str]
) -> None:
    reply = live_service.request(method, path, headers=dict(headers), body=b"{}")
    assert reply.status == 403
    assert reply.headers["content-type"] == "application/problem+json"
    assert b"evil" not in reply.data


@pytest.mark.parametrize("garbage", ["[", "[::1", "a b", "localhost@evil.example"])
def test_garbage_for_a_name_is_refused_and_no_failure(live_service: RunningService, garbage: str) -> None:
    assert live_service.request("GET", "/models", headers={"host": garbage}).status in {400, 403}
    assert live_service.request("POST", "/retrain", headers={"origin": f"http://{garbage}"}).status == 403


@pytest.mark.parametrize("path", ["/outcomes", "/models", "/performance", "/metrics", "/retrain"])
def test_an_open_service_is_asked_by_its_own_name_only(live_service: RunningService, path: str) -> None:
    assert live_service.request("GET", path, headers={"host": f"evil.example:{live_service.port}"}).status == 403
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert live_service.request("GET", path, headers={"host": f"{name}:{live_service.port}"}).status == 200


def test_the_dashboards_own_requests_are_taken(ready_service: RunningService) -> None:
    own = {"origin": ready_service.url, "sec-fetch-site": "same-origin"}
    assert ready_service.request("POST", "/retrain", {"min_new_samples": 1_000_000}, headers=own).status == 200


def test_with_a_key_any_name_will_do(start_service: StartService, database_url: str) -> None:
    service = start_service(database_url, api_key=BOOTSTRAP_KEY)
    assert service.request("GET", "/models", headers={"host": "advisor.example"}).status == 200


def test_no_page_loads_code_from_elsewhere(live_service: RunningService) -> None:
    assert live_service.request("GET", "/docs").status == 404
    assert live_service.request("GET", "/redoc").status == 404
