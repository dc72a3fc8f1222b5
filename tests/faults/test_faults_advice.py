"""Whatever the network or the service does, advice comes within its deadline and is a typed answer."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ares_client import (
    Advice,
    Advisor,
    AsyncAdvisor,
    ClientSettings,
    DeadlineExceededError,
    FallbackReason,
    TradingAdvice,
)
from ares_client._http.deadline import Deadline
from ares_client._http.transport import HttpRequest, HttpTransport
from ares_client._process.timing import SYSTEM_TIMING
from ares_client.testing import USUAL_REPLY
from tests.faults.fault_servers import (
    CERTIFICATES,
    Received,
    Script,
    Server,
    answering,
    black_hole_url,
    problem,
    receive,
    reply,
    resetting_after,
    silent,
    tls_context,
    trickling,
)
from tests.support.client_support import MARGIN_SECONDS, PATIENT_SECONDS, RunPython
from tests.support.processes import wait_until

SHORT_SECONDS = 0.6
"""A deadline that passes. Where an answer is awaited, the deadline is `PATIENT_SECONDS`."""

AdvisorFor = Callable[..., Advisor]
Serving = Callable[..., Server]

GOOD: dict[str, Any] = json.loads(USUAL_REPLY.model_dump_json())


def good_reply(**changes: object) -> bytes:
    return reply(200, json.dumps(GOOD | changes).encode())


def is_the_bots_own_configuration(advice: Advice) -> bool:
    return (
        advice.source == "fallback"
        and advice.advice is TradingAdvice.TRADE_FULL
        and (advice.suggested_risk_pct, advice.suggested_sd_multiplier) == (7.5, 1.2)
        and (advice.win_probability, advice.base_rate) == (0.66, 0.66)
        and advice.model_version is None
        and advice.advice_id is None
    )


@pytest.fixture
def advisor_for(tmp_path: Path) -> Iterator[AdvisorFor]:
    with ExitStack() as stack:

        def make(url: str, deadline_seconds: float = PATIENT_SECONDS, **chosen: Any) -> Advisor:
            settings = ClientSettings(
                url=url,
                deadline_seconds=deadline_seconds,
                outbox=tmp_path,
                risk_per_trade_pct=7.5,
                sd_multiplier=1.2,
                base_rate=0.66,
                **chosen,
            )
            return stack.enter_context(Advisor(settings))

        yield make


@pytest.fixture
def serving() -> Iterator[Serving]:
    with ExitStack() as stack:
        yield lambda script, **options: stack.enter_context(Server(script, **options))


def timed_advice(advisor: Advisor) -> tuple[Advice, float]:
    began = time.monotonic()
    advice = advisor.get_trading_advice(vix=17.4, price=4512.5, day_of_week=2)
    return advice, time.monotonic() - began


def test_a_good_reply_is_given_whole(advisor_for: AdvisorFor, serving: Serving) -> None:
    advice, _ = timed_advice(advisor_for(serving(answering(good_reply(advice="SKIP_TODAY"))).url))
    assert advice.source == "service"
    assert advice.reason is None
    assert advice.advice is TradingAdvice.SKIP_TODAY
    assert advice.advice_id == USUAL_REPLY.advice_id
    assert advice.model_version == USUAL_REPLY.model_version


def test_what_is_asked_is_what_the_contract_says(advisor_for: AdvisorFor, serving: Serving) -> None:
    asked: list[Received] = []

    def script(connection: socket.socket) -> None:
        asked.append(receive(connection))
        connection.sendall(good_reply())

    advisor = advisor_for(serving(script).url + "/below/", api_key="s3cret", bot="paper")
    advisor.get_trading_advice(vix=17.4, price=4512.5, day_of_week=2, vix_change_1d=-1.5)
    (request,) = asked
    assert (request.method, request.path) == ("POST", "/below/advice")
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.json() == {
        "vix": 17.4,
        "price": 4512.5,
        "day_of_week": 2,
        "vix_change_1d": -1.5,
        "bot": "paper",
        "sd_multiplier": 1.2,
        "risk_per_trade_pct": 7.5,
    }


BAD_REPLIES: dict[str, Script] = {
    "garbage": answering(reply(200, b"\x00\xff not json")),
    "an empty body": answering(reply(200, b"")),
    "another JSON": answering(reply(200, b'{"advice": "TRADE_FULL"}')),
    "a list": answering(reply(200, b"[]")),
    "nested without end": answering(reply(200, b"[" * 100_000)),
    "a probability above 1": answering(good_reply(win_probability=1.01)),
    "a NaN": answering(good_reply(win_probability=math.nan)),
    "an infinite risk": answering(reply(200, json.dumps(GOOD).replace("10.0", "1e999").encode())),
    "a multiplier that is not tradable": answering(good_reply(suggested_sd_multiplier=-3.0)),
    "an advice from nowhere": answering(good_reply(advice="DOUBLE_DOWN")),
    "10 MB": answering(reply(200, json.dumps(GOOD).encode() + b" " * 10_000_000)),
    "10 MB without a length": answering(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(GOOD).encode() + b" " * 10_000_000),
    "a compressed body that was not asked for": answering(reply(200, b"\x1f\x8b\x08", {"Content-Encoding": "gzip"})),
}
OTHER_REPLIES: dict[str, tuple[Script, FallbackReason]] = {
    "a newer contract": (answering(good_reply(contract_version=2)), FallbackReason.NEWER_CONTRACT),
    "a newer contract of another shape": (
        answering(reply(200, b'{"contract_version": 9}')),
        FallbackReason.NEWER_CONTRACT,
    ),
    "no HTTP": (answering(b"SSH-2.0-OpenSSH_9.9\r\n"), FallbackReason.UNREACHABLE),
    "nothing": (answering(b""), FallbackReason.UNREACHABLE),
    "a reset in the middle": (resetting_after(good_reply()[:200]), FallbackReason.UNREACHABLE),
    "an early end": (answering(good_reply()[:-10]), FallbackReason.UNREACHABLE),
    "endless headers": (answering(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000), FallbackReason.UNREACHABLE),
    "a redirect": (answering(reply(307, b"", {"Location": "http://127.0.0.1/"})), FallbackReason.REFUSED),
    "not found": (answering(problem(404)), FallbackReason.REFUSED),
    "no key": (answering(problem(401)), FallbackReason.UNAUTHORIZED),
    "a wrong scope": (answering(problem(403)), FallbackReason.UNAUTHORIZED),
    "a request it does not like": (answering(problem(422)), FallbackReason.INVALID_REQUEST),
    "too many requests": (answering(problem(429)), FallbackReason.SERVICE_FAILED),
    "a failure": (answering(problem(500)), FallbackReason.SERVICE_FAILED),
    "a failure without a word": (answering(reply(502, b"<html>")), FallbackReason.SERVICE_FAILED),
    "no model": (answering(problem(503)), FallbackReason.NOT_READY),
}
TOO_SLOW: dict[str, Script] = {
    "silence": silent,
    "one byte a second": trickling(good_reply()),
    "one header a second": trickling(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 100),
}


@pytest.mark.parametrize("name", BAD_REPLIES)
def test_a_reply_outside_the_contract_is_a_fallback(advisor_for: AdvisorFor, serving: Serving, name: str) -> None:
    advice, seconds = timed_advice(advisor_for(serving(BAD_REPLIES[name]).url))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.BAD_REPLY
    assert seconds < PATIENT_SECONDS


@pytest.mark.parametrize("name", OTHER_REPLIES)
def test_every_other_reply_is_a_fallback_with_its_reason(advisor_for: AdvisorFor, serving: Serving, name: str) -> None:
    script, reason = OTHER_REPLIES[name]
    advice, seconds = timed_advice(advisor_for(serving(script).url))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is reason
    assert seconds < PATIENT_SECONDS


@pytest.mark.parametrize("name", TOO_SLOW)
def test_a_slow_service_is_not_waited_for(advisor_for: AdvisorFor, serving: Serving, name: str) -> None:
    server = serving(TOO_SLOW[name])
    advice, seconds = timed_advice(advisor_for(server.url, SHORT_SECONDS))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.TIMEOUT
    assert SHORT_SECONDS <= seconds < SHORT_SECONDS + MARGIN_SECONDS


def test_a_socket_that_times_out_first_is_a_timeout_too(tmp_path: Path, serving: Serving) -> None:
    """On a busy machine the worker may notice before the caller does: the reason must not depend on it."""
    transport = HttpTransport(ClientSettings(url=serving(silent).url, outbox=tmp_path))
    with pytest.raises(DeadlineExceededError):
        transport.exchange(HttpRequest("GET", "/readyz"), Deadline(SHORT_SECONDS, SYSTEM_TIMING))


def test_a_slow_service_does_not_keep_the_threads(advisor_for: AdvisorFor, serving: Serving) -> None:
    """Two calls may be in flight: a third that is answered shows that the slow ones were cut.

    Each byte comes well within the time for reading one, so that no socket's own time-out can end them.
    """
    slow = [True, True]
    deadline_seconds = 3.0

    def script(connection: socket.socket) -> None:
        if slow:
            slow.pop()
            trickling(good_reply(), every_seconds=deadline_seconds / 6)(connection)
        else:
            answering(good_reply())(connection)

    advisor = advisor_for(serving(script).url, deadline_seconds)
    answers = [timed_advice(advisor)[0].reason for _ in range(3)]
    assert answers == [FallbackReason.TIMEOUT, FallbackReason.TIMEOUT, None]


def test_nobody_listens(advisor_for: AdvisorFor, refused_url: str) -> None:
    advice, seconds = timed_advice(advisor_for(refused_url))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.UNREACHABLE
    assert seconds < PATIENT_SECONDS


def test_a_black_hole(advisor_for: AdvisorFor) -> None:
    with black_hole_url() as url:
        advice, seconds = timed_advice(advisor_for(url, SHORT_SECONDS))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason in {FallbackReason.TIMEOUT, FallbackReason.UNREACHABLE}
    assert SHORT_SECONDS / 2 <= seconds < SHORT_SECONDS + MARGIN_SECONDS


def test_a_name_that_does_not_exist(advisor_for: AdvisorFor, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system's resolver says it: what the network's own says of such a name, and when, differs by network."""

    def unknown(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    advice, seconds = timed_advice(advisor_for("http://advisor.invalid:8000"))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.UNREACHABLE
    assert seconds < PATIENT_SECONDS


@pytest.mark.parametrize(
    ("shown", "trusted", "complaint"),
    [("expired", "expired", "certificate has expired"), ("valid", None, "self-signed certificate")],
)
def test_a_certificate_that_cannot_be_trusted(
    advisor_for: AdvisorFor,
    serving: Serving,
    caplog: pytest.LogCaptureFixture,
    shown: str,
    trusted: str | None,
    complaint: str,
) -> None:
    server = serving(answering(good_reply()), tls=tls_context(shown))
    ca_file = CERTIFICATES / f"{trusted}.pem" if trusted else None
    advice, seconds = timed_advice(advisor_for(server.url, ca_file=ca_file))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.UNREACHABLE
    assert seconds < PATIENT_SECONDS
    assert complaint in caplog.text


def test_a_certificate_of_a_private_authority(advisor_for: AdvisorFor, serving: Serving) -> None:
    server = serving(answering(good_reply()), tls=tls_context("valid"))
    advisor = advisor_for(server.url, ca_file=CERTIFICATES / "valid.pem")
    assert timed_advice(advisor)[0].source == "service"


def test_a_tls_handshake_that_hangs(advisor_for: AdvisorFor, serving: Serving) -> None:
    server = serving(silent)
    url = server.url.replace("http:", "https:")
    advice, seconds = timed_advice(advisor_for(url, SHORT_SECONDS))
    assert is_the_bots_own_configuration(advice)
    assert seconds < SHORT_SECONDS + MARGIN_SECONDS


HANGING_DNS = """
import socket, threading, time
socket.getaddrinfo = lambda *arguments, **keywords: threading.Event().wait()
from pathlib import Path
from ares_client import Advisor, ClientSettings

settings = ClientSettings(url="http://advisor.example", deadline_seconds={deadline}, outbox=Path({outbox!r}))
advisor = Advisor(settings)
for _ in range(5):
    began = time.monotonic()
    advice = advisor.get_trading_advice(vix=17.4, price=4512.5)
    print(advice.source, advice.reason, time.monotonic() - began)
print("threads", sum(thread.name == "ares-advisor-advice" for thread in threading.enumerate()))
"""


def test_a_name_lookup_that_hangs(tmp_path: Path, run_python: RunPython) -> None:
    """That the script ends shows that the threads, which hang for ever, do not hold up the exit."""
    lines = run_python(HANGING_DNS.format(deadline=SHORT_SECONDS, outbox=str(tmp_path))).splitlines()
    answers = [line.split() for line in lines[:5]]
    assert [(source, reason) for source, reason, _ in answers] == [("fallback", "timeout")] * 3 + [
        ("fallback", "breaker_open")
    ] * 2
    assert all(float(seconds) < SHORT_SECONDS + MARGIN_SECONDS for *_, seconds in answers)
    assert lines[5] == "threads 2"


def test_a_connection_that_went_stale_is_replaced(advisor_for: AdvisorFor, serving: Serving) -> None:
    """The server closes the kept connection after each answer, without saying so."""
    server = serving(answering(good_reply()))
    advisor = advisor_for(server.url)
    sources: list[str] = []
    for _ in range(3):
        sources.append(timed_advice(advisor)[0].source)
        wait_until(lambda: server.closed == len(sources))
    assert sources == ["service"] * 3
    assert server.connections == 3


def test_a_connection_is_kept_between_questions(advisor_for: AdvisorFor, serving: Serving) -> None:
    def script(connection: socket.socket) -> None:
        for _ in range(3):
            receive(connection)
            connection.sendall(good_reply())

    server = serving(script)
    advisor = advisor_for(server.url)
    assert [timed_advice(advisor)[0].source for _ in range(3)] == ["service"] * 3
    assert server.connections == 1


def test_a_failed_connection_gets_a_second_chance_while_there_is_time(
    advisor_for: AdvisorFor, serving: Serving
) -> None:
    first = [True]

    def script(connection: socket.socket) -> None:
        receive(connection)
        if first:
            first.pop()
        else:
            connection.sendall(good_reply())

    assert timed_advice(advisor_for(serving(script).url))[0].source == "service"


async def ask_many(advisor: AsyncAdvisor, count: int) -> list[Advice]:
    return await asyncio.gather(*(advisor.get_trading_advice(vix=17.4, price=4512.5) for _ in range(count)))


def test_the_asynchronous_face_keeps_the_deadline(advisor_for: AdvisorFor, serving: Serving) -> None:
    advisor = advisor_for(serving(silent).url, SHORT_SECONDS)
    began = time.monotonic()
    answers = asyncio.run(ask_many(AsyncAdvisor(advisor=advisor), 5))
    assert time.monotonic() - began < SHORT_SECONDS + MARGIN_SECONDS
    assert all(is_the_bots_own_configuration(advice) for advice in answers)
    assert {advice.reason for advice in answers} == {FallbackReason.TIMEOUT}


def test_the_asynchronous_face_keeps_the_loop_free(advisor_for: AdvisorFor, serving: Serving) -> None:
    """While two questions are with the service and three wait in line, the loop runs something else."""
    server = serving(silent)

    async def scenario() -> bool:
        asking = asyncio.create_task(ask_many(AsyncAdvisor(advisor=advisor_for(server.url)), 5))
        await asyncio.to_thread(wait_until, lambda: server.connections == 2)
        was_asking = not asking.done()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        return was_asking

    assert asyncio.run(scenario()), "the event loop was blocked"


def test_the_breaker_closes_when_the_service_is_back(advisor_for: AdvisorFor, serving: Serving) -> None:
    """The breaker as it is, on a clock that makes its pauses a hundred times shorter."""
    well: list[bool] = []

    def script(connection: socket.socket) -> None:
        request = receive(connection)
        ok = reply(200, b"{}") if request.path == "/readyz" else good_reply()
        connection.sendall(ok if well else problem(503))

    url = serving(script).url
    advisor = advisor_for(url)
    timing = replace(SYSTEM_TIMING, wait=lambda event, seconds: event.wait(seconds / 100))
    with Advisor(replace(advisor.settings, url=url), timing=timing) as hurried:
        reasons = [timed_advice(hurried)[0].reason for _ in range(4)]
        assert reasons == [FallbackReason.NOT_READY] * 3 + [FallbackReason.BREAKER_OPEN]
        well.append(True)
        wait_until(lambda: timed_advice(hurried)[0].source == "service")
