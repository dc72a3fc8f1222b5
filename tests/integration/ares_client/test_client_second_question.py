"""A service that refuses an optional field is asked again without it, within the deadline."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ares_client import Advisor, ClientSettings
from ares_client.testing import USUAL_REPLY
from tests.support.client_support import PATIENT_SECONDS

VIX, PRICE = 17.4, 4512.5
FIRST_REVISION = {"vix", "price", "day_of_week", "as_of", "bot", "sd_multiplier", "vix_change_1d"}
"""Some of the fields that the first service knew; it refused all others without naming them."""


class Replies(BaseHTTPRequestHandler):
    """Answers as recorded: what it does not like it refuses as the services do."""

    bodies: list[dict[str, Any]]
    refuses: str

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.bodies.append(body)
        where = self._objection(body)
        if where is None:
            return self._send(200, USUAL_REPLY.model_dump_json())
        errors = [{"where": where, "what": "unknown field" if where == "body" else "not usable"}]
        problem = {"type": "about:blank", "title": "Invalid request", "status": 422, "errors": errors}
        return self._send(422, json.dumps(problem))

    def _objection(self, body: dict[str, Any]) -> str | None:
        if self.refuses == "what is new":
            return None if set(body) <= FIRST_REVISION else "body"
        return f"body.{self.refuses}" if self.refuses in body else None

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def replies() -> Iterator[type[Replies]]:
    class Own(Replies):
        bodies: list[dict[str, Any]] = []  # noqa: RUF012  of this test alone
        refuses = "what is new"
        url = ""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    Own.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Own
    server.shutdown()
    thread.join()
    server.server_close()


def ask(replies: Any, tmp_path: Path, **options: Any) -> Any:
    settings = ClientSettings(
        url=replies.url, outbox=tmp_path, deadline_seconds=PATIENT_SECONDS, risk_per_trade_pct=4.0
    )
    with Advisor(settings) as advisor:
        return advisor.get_trading_advice(vix=VIX, price=PRICE, **options)


def test_a_service_of_the_first_revision_is_asked_again_without_what_it_refuses(replies: Any, tmp_path: Path) -> None:
    advice = ask(replies, tmp_path, credit_points=0.85, vix_change_1d=1.0)
    first, second = replies.bodies
    assert first.keys() - second.keys() == {"risk_per_trade_pct", "credit_points"}
    assert second["vix_change_1d"] == 1.0
    assert advice.source == "service"
    assert advice.reasons == ["quote_ignored"]
    assert (advice.suggested_risk_pct, advice.risk_fraction) == (4.0, 1.0)


def test_it_does_not_call_a_quote_ignored_that_was_never_given(replies: Any, tmp_path: Path) -> None:
    assert ask(replies, tmp_path).reasons == []
    assert len(replies.bodies) == 2


@pytest.mark.parametrize("named", ["credit_points", "wing_points", "credit_points.table.0.credit_points"])
def test_a_quote_that_the_service_refuses_is_left_out(replies: Any, tmp_path: Path, named: str) -> None:
    replies.refuses = named.partition(".")[0]
    advice = ask(replies, tmp_path, credit_points=0.85, wing_points=7.5, sd_multiplier=1.2)
    assert replies.bodies[1].keys() == {"vix", "price", "bot", "sd_multiplier", "risk_per_trade_pct"}
    assert (advice.source, advice.reasons) == ("service", ["quote_ignored"])


def test_a_service_of_the_first_revision_is_asked_twice_only_once(replies: Any, tmp_path: Path) -> None:
    settings = ClientSettings(url=replies.url, outbox=tmp_path, deadline_seconds=PATIENT_SECONDS)
    with Advisor(settings) as advisor:
        for _ in range(3):
            assert advisor.get_trading_advice(vix=VIX, price=PRICE, credit_points=0.85).reasons == ["quote_ignored"]
    assert ["credit_points" in body for body in replies.bodies] == [True, False, False, False]


def test_a_hint_that_the_service_refuses_is_left_out_and_the_quote_kept(replies: Any, tmp_path: Path) -> None:
    replies.refuses = "vix_change_1d"
    advice = ask(replies, tmp_path, credit_points=0.85, vix_change_1d=1.0)
    assert replies.bodies[1]["credit_points"] == 0.85
    assert (advice.source, advice.reasons) == ("service", [])


@pytest.mark.parametrize("named", ["vix", "price", "sd_multiplier"])
def test_what_cannot_be_left_out_is_a_fallback_after_one_question(replies: Any, tmp_path: Path, named: str) -> None:
    replies.refuses = named
    advice = ask(replies, tmp_path, credit_points=0.85)
    assert (advice.source, advice.reason) == ("fallback", "invalid_request")
    assert len(replies.bodies) == 1
