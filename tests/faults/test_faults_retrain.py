"""Waiting for a retraining: through outages, no longer than said, and the reason is always told."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from ares_client import Advisor, ClientSettings
from ares_client._process.timing import Timing
from tests.faults.fault_servers import OutcomeLedger, Received, Server, problem, reply, silent
from tests.support.client_support import MARGIN_SECONDS, HandClock

RUN_ID = "00000000-0000-0000-0000-00000000002a"
METRICS = {
    "sessions": 1000,
    "base_rate": 0.83,
    "accuracy": 0.84,
    "brier": 0.13,
    "brier_skill": 0.05,
    "brier_skill_interval": [0.03, 0.07],
    "log_loss": 0.42,
    "auc": 0.7,
    "ece": 0.01,
    "ece_band": 0.02,
}


def run(state: str, **changes: object) -> bytes:
    body = {"run_id": RUN_ID, "state": state, "requested_at": "2024-01-02T15:00:00Z", "new_outcomes": 60}
    return reply(202 if state == "queued" else 200, json.dumps(body | changes).encode())


BROKEN_CONNECTION = b""

AdvisorFor = Callable[..., tuple[Advisor, OutcomeLedger]]


def callers_clock(hand_clock: HandClock) -> Timing:
    """The clock in the hand, moved by the caller's waits only: the sender's thread waits in earnest."""
    caller = threading.current_thread()

    def wait(event: threading.Event, seconds: float) -> bool:
        if threading.current_thread() is caller:
            return hand_clock.timing.wait(event, seconds)
        return event.wait(seconds)

    return replace(hand_clock.timing, wait=wait)


@pytest.fixture
def advisor_for(tmp_path: Path, hand_clock: HandClock) -> Iterator[AdvisorFor]:
    """An advisor that polls without waiting, against a service with these answers in order, the last for ever."""
    with ExitStack() as stack:

        def make(*answers: bytes) -> tuple[Advisor, OutcomeLedger]:
            left = list(answers)

            def answer(_: Received) -> bytes:
                chosen = left.pop(0) if len(left) > 1 else left[0]
                if chosen is BROKEN_CONNECTION:
                    raise ConnectionAbortedError
                return chosen

            ledger = OutcomeLedger(answer)
            server = stack.enter_context(Server(ledger))
            settings = ClientSettings(url=server.url, outbox=tmp_path)
            return stack.enter_context(Advisor(settings, timing=callers_clock(hand_clock))), ledger

        yield make


def test_a_promoted_model_gives_its_metrics(advisor_for: AdvisorFor) -> None:
    advisor, ledger = advisor_for(
        run("queued"),
        run("running"),
        problem(503),
        BROKEN_CONNECTION,
        run("promoted", model_version="1.4.0", metrics=METRICS),
    )
    metrics = advisor.retrain_from_outcomes(min_new_samples=50)
    assert metrics
    assert f"Retrained to v{metrics.model_version}" == "Retrained to v1.4.0"
    assert f"Accuracy: {metrics.accuracy:.1%}" == "Accuracy: 84.0%"
    assert metrics.brier_skill_interval == (0.03, 0.07)
    assert (ledger.requests[0].method, ledger.requests[0].path) == ("POST", "/retrain")
    assert ledger.requests[0].json() == {"min_new_samples": 50, "force": False}
    assert {request.path for request in ledger.requests[1:]} == {f"/retrain/{RUN_ID}"}


NOT_ENOUGH = {"state": "not_enough_outcomes", "new_outcomes": 12, "min_new_samples": 50, "missing": 38}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([reply(200, json.dumps(NOT_ENOUGH).encode())], "38 more outcomes are needed"),
        ([run("queued"), run("refused", reason="log loss is worse")], "refused: log loss is worse"),
        ([run("queued"), run("failed", reason="out of memory")], "failed: out of memory"),
        ([problem(403, "the key has no scope operate")], "no scope operate"),
        ([run("queued"), problem(404, "no such run")], "no such run"),
        ([reply(200, b"garbage")], "not JSON"),
        ([run("queued"), run("running")], "still running after 10 s"),
        ([run("queued"), run("promoted", model_version="1.4.0")], "promoted"),
    ],
    ids=[
        "too few outcomes",
        "refused",
        "failed",
        "no scope",
        "no such run",
        "garbage",
        "too long",
        "promoted without metrics",
    ],
)
def test_otherwise_it_is_none_and_the_reason_is_logged(
    advisor_for: AdvisorFor, caplog: pytest.LogCaptureFixture, answers: list[bytes], told: str
) -> None:
    advisor, _ = advisor_for(*answers)
    with caplog.at_level(logging.INFO, logger="ares_client"):
        assert advisor.retrain_from_outcomes(min_new_samples=50, timeout_seconds=10) is None
    assert told in caplog.text


@pytest.mark.parametrize("is_silent", [True, False], ids=["silent", "refused"])
def test_without_a_service_it_is_none_within_its_time(
    tmp_path: Path, is_silent: bool, refused_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A call to a silent service ends after 30 s; the caller, who has less time, does not wait for it."""
    with ExitStack() as stack:
        url = stack.enter_context(Server(silent)).url if is_silent else refused_url
        advisor = stack.enter_context(Advisor(ClientSettings(url=url, outbox=tmp_path)))
        began = time.monotonic()
        assert advisor.retrain_from_outcomes(timeout_seconds=0.5) is None
        assert time.monotonic() - began < 0.5 + MARGIN_SECONDS
    assert "not retrained" in caplog.text
