"""Whatever the network or the service does, advice comes within its deadline and is a typed answer."""

from __future__ import annotations

import asyncio
import json
import math
import time
from contextlib import ExitStack
from dataclasses import replace

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
    Server,
    answering,
    black_hole_url,
    problem,
    receive,
    refused_url,
    reply,
    resetting_after,
    silent,
    tls_context,
    trickling,
)

DEADLINE_SECONDS = 0.6
NOISE_SECONDS = 0.5

GOOD = json.loads(USUAL_REPLY.model_dump_json())


def good_reply(**changes) -> bytes:
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
def advisor_for(tmp_path):
    with ExitStack() as stack:

        def make(url: str, **settings) -> Advisor:
            chosen = {"deadline_seconds": DEADLINE_SECONDS, "outbox": tmp_path} | settings
            own = ClientSettings(url=url, risk_per_trade_pct=7.5, sd_multiplier=1.2, base_rate=0.66, **chosen)
            return stack.enter_context(Advisor(own))

        yield make


@pytest.fixture
def serving():
    with ExitStack() as stack:
        yield lambda script, **options: stack.enter_context(Server(script, **options))


def timed_advice(advisor: Advisor) -> tuple[Advice, float]:
    began = time.monotonic()
    advice = advisor.get_trading_advice(vix=17.4, price=4512.5, day_of_week=2)
    return advice, time.monotonic() - began


def test_a_good_reply_is_given_whole(advisor_for, serving):
    advice, _ = timed_advice(advisor_for(serving(answering(good_reply(advice="SKIP_TODAY"))).url))
    assert advice.source == "service"
    assert advice.reason is None
    assert advice.advice is TradingAdvice.SKIP_TODAY
    assert advice.advice_id == USUAL_REPLY.advice_id
    assert advice.model_version == USUAL_REPLY.model_version


def test_what_is_asked_is_what_the_contract_says(advisor_for, serving):
    asked = []

    def script(connection):
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
    }


BAD_REPLIES = {
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
OTHER_REPLIES = {
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
TOO_SLOW = {
    "silence": silent,
    "one byte a second": trickling(good_reply()),
    "one header a second": trickling(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 100),
}


@pytest.mark.parametrize("name", BAD_REPLIES)
def test_a_reply_outside_the_contract_is_a_fallback(advisor_for, serving, name):
    advice, seconds = timed_advice(advisor_for(serving(BAD_REPLIES[name]).url))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.BAD_REPLY
    assert seconds < DEADLINE_SECONDS + NOISE_SECONDS


@pytest.mark.parametrize("name", OTHER_REPLIES)
def test_every_other_reply_is_a_fallback_with_its_reason(advisor_for, serving, name):
    script, reason = OTHER_REPLIES[name]
    advice, seconds = timed_advice(advisor_for(serving(script).url))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is reason
    assert seconds < DEADLINE_SECONDS + NOISE_SECONDS


@pytest.mark.parametrize("name", TOO_SLOW)
def test_a_slow_service_is_not_waited_for(advisor_for, serving, name):
    server = serving(TOO_SLOW[name])
    advice, seconds = timed_advice(advisor_for(server.url))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.TIMEOUT
    assert DEADLINE_SECONDS <= seconds < DEADLINE_SECONDS + NOISE_SECONDS


def test_a_socket_that_times_out_first_is_a_timeout_too(tmp_path, serving):
    """On a busy machine the worker may notice before the caller does: the reason must not depend on it."""
    transport = HttpTransport(ClientSettings(url=serving(silent).url, outbox=tmp_path))
    with pytest.raises(DeadlineExceededError):
        transport.exchange(HttpRequest("GET", "/readyz"), Deadline(0.2, SYSTEM_TIMING))


def test_a_slow_service_does_not_keep_the_threads(advisor_for, serving):
    """Two calls may be in flight: a third that is answered shows that the slow ones were cut.

    Each byte comes well within the time for reading one, so that no socket's own time-out can end them.
    """
    slow = [True, True]

    def script(connection):
        if slow:
            slow.pop()
            trickling(good_reply(), every_seconds=DEADLINE_SECONDS / 6)(connection)
        else:
            answering(good_reply())(connection)

    advisor = advisor_for(serving(script).url)
    answers = [timed_advice(advisor)[0].reason for _ in range(3)]
    assert answers == [FallbackReason.TIMEOUT, FallbackReason.TIMEOUT, None]


def test_nobody_listens(advisor_for):
    advice, seconds = timed_advice(advisor_for(refused_url()))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.UNREACHABLE
    assert seconds < DEADLINE_SECONDS + NOISE_SECONDS


def test_a_black_hole(advisor_for):
    with black_hole_url() as url:
        advice, seconds = timed_advice(advisor_for(url))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason in {FallbackReason.TIMEOUT, FallbackReason.UNREACHABLE}
    assert DEADLINE_SECONDS / 2 <= seconds < DEADLINE_SECONDS + NOISE_SECONDS


def test_a_name_that_does_not_exist(advisor_for):
    advice, seconds = timed_advice(advisor_for("http://advisor.invalid:8000"))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason in {FallbackReason.TIMEOUT, FallbackReason.UNREACHABLE}
    assert seconds < DEADLINE_SECONDS + NOISE_SECONDS


@pytest.mark.parametrize(
    ("shown", "trusted", "complaint"),
    [("expired", "expired", "certificate has expired"), ("valid", None, "self-signed certificate")],
)
def test_a_certificate_that_cannot_be_trusted(advisor_for, serving, caplog, shown, trusted, complaint):
    server = serving(answering(good_reply()), tls=tls_context(shown))
    ca_file = CERTIFICATES / f"{trusted}.pem" if trusted else None
    advice, seconds = timed_advice(advisor_for(server.url, ca_file=ca_file, deadline_seconds=2.0))
    assert is_the_bots_own_configuration(advice)
    assert advice.reason is FallbackReason.UNREACHABLE
    assert seconds < 2.0 + NOISE_SECONDS
    assert complaint in caplog.text


def test_a_certificate_of_a_private_authority(advisor_for, serving):
    server = serving(answering(good_reply()), tls=tls_context("valid"))
    advisor = advisor_for(server.url, ca_file=CERTIFICATES / "valid.pem", deadline_seconds=2.0)
    assert timed_advice(advisor)[0].source == "service"


def test_a_tls_handshake_that_hangs(advisor_for, serving):
    server = serving(silent)
    url = server.url.replace("http:", "https:")
    advice, seconds = timed_advice(advisor_for(url))
    assert is_the_bots_own_configuration(advice)
    assert seconds < DEADLINE_SECONDS + NOISE_SECONDS


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


def test_a_name_lookup_that_hangs(tmp_path, run_python):
    began = time.monotonic()
    lines = run_python(HANGING_DNS.format(deadline=DEADLINE_SECONDS, outbox=str(tmp_path))).splitlines()
    answers = [line.split() for line in lines[:5]]
    assert [(source, reason) for source, reason, _ in answers] == [("fallback", "timeout")] * 3 + [
        ("fallback", "breaker_open")
    ] * 2
    assert all(float(seconds) < DEADLINE_SECONDS + NOISE_SECONDS for *_, seconds in answers)
    assert lines[5] == "threads 2"
    assert time.monotonic() - began < 20, "the hanging threads must not hold up the exit"


def test_a_connection_that_went_stale_is_replaced(advisor_for, serving):
    """The server closes the kept connection after each answer, without saying so."""
    server = serving(answering(good_reply()))
    advisor = advisor_for(server.url)
    sources = []
    for _ in range(3):
        sources.append(timed_advice(advisor)[0].source)
        time.sleep(0.05)
    assert sources == ["service"] * 3
    assert server.connections == 3


def test_a_connection_is_kept_between_questions(advisor_for, serving):
    def script(connection):
        for _ in range(3):
            receive(connection)
            connection.sendall(good_reply())

    server = serving(script)
    advisor = advisor_for(server.url)
    assert [timed_advice(advisor)[0].source for _ in range(3)] == ["service"] * 3
    assert server.connections == 1


def test_a_failed_connection_gets_a_second_chance_while_there_is_time(advisor_for, serving):
    first = [True]

    def script(connection):
        receive(connection)
        if first:
            first.pop()
        else:
            connection.sendall(good_reply())

    assert timed_advice(advisor_for(serving(script).url))[0].source == "service"


async def ask_many(advisor: AsyncAdvisor, count: int) -> list[Advice]:
    return await asyncio.gather(*(advisor.get_trading_advice(vix=17.4, price=4512.5) for _ in range(count)))


def test_the_asynchronous_face_keeps_the_deadline_and_the_loop_free(advisor_for, serving):
    async def scenario() -> tuple[list[Advice], int, float]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.02)
                ticks += 1

        ticking = asyncio.create_task(tick())
        began = time.monotonic()
        answers = await ask_many(AsyncAdvisor(advisor=advisor_for(serving(silent).url)), 5)
        ticking.cancel()
        return answers, ticks, time.monotonic() - began

    answers, ticks, seconds = asyncio.run(scenario())
    assert all(is_the_bots_own_configuration(advice) for advice in answers)
    assert seconds < DEADLINE_SECONDS + NOISE_SECONDS
    assert ticks >= 5, "the event loop was blocked"


def test_the_breaker_closes_when_the_service_is_back(advisor_for, serving):
    """The breaker as it is, on a clock that makes its pauses a hundred times shorter."""
    well = []

    def script(connection):
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
        give_up_at = time.monotonic() + 10
        while timed_advice(hurried)[0].source == "fallback":
            assert time.monotonic() < give_up_at, "the breaker stayed open"
            time.sleep(0.02)
