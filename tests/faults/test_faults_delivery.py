"""Whatever the service answers, a trade is delivered, waits, or is in quarantine with the reason: never lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from ares_client import Advisor, ClientSettings, MarketDay, MLFeatures, TradeOutcome
from ares_client._http.responses import LONGEST_RETRY_AFTER_SECONDS
from ares_client._http.transport import HttpTransport
from ares_client._outbox.delivery import Delivery
from ares_client._outbox.file import OutboxFile
from ares_client._outbox.outbox import Outbox
from ares_client._outbox.outcomes import PreparedOutcome, prepare_outcome
from ares_client._process.timing import SYSTEM_TIMING
from ares_client.errors import BadReplyError, ServiceError, ServiceFailedError
from tests.faults.fault_servers import (
    OutcomeLedger,
    Received,
    Script,
    Server,
    problem,
    reply,
    silent,
    taking_all,
)
from tests.support.client_support import MARGIN_SECONDS, PATIENT_SECONDS
from tests.support.processes import wait_until

Rule = Callable[[Received], bytes]


class Scene:
    """A real outbox, a real transport and one pass of delivery, against a service that answers by a rule."""

    def __init__(self, folder: Path, rule: Rule, trades: int) -> None:
        self.ledger = OutcomeLedger(rule)
        self.server = Server(self.ledger)
        self.transport = HttpTransport(ClientSettings(url=self.server.url, outbox=folder))
        self.outbox = Outbox(OutboxFile(folder / "bot.sqlite3", SYSTEM_TIMING), SYSTEM_TIMING)
        for number in range(trades):
            self.outbox.add(a_trade(f"t{number:03d}"))

    def deliver(self) -> None:
        Delivery(self.outbox, self.transport, SYSTEM_TIMING).run()

    @property
    def pending(self) -> list[str]:
        return [row.trade_id for row in self.outbox.rows() if row.state == "pending"]

    @property
    def quarantine(self) -> dict[str, str | None]:
        return {row.trade_id: row.quarantined_because for row in self.outbox.rows() if row.state == "quarantined"}

    def close(self) -> None:
        self.transport.close()
        self.server.close()
        self.outbox.file.close()


def a_trade(trade_id: str) -> PreparedOutcome:
    return prepare_outcome(
        "ares",
        trade_date="2024-01-02",
        features=MLFeatures(vix=17.4, price=4512.5),
        outcome=TradeOutcome.MAX_PROFIT,
        net_pnl=142.5,
        trade_id=trade_id,
        details={},
    )


MakeScene = Callable[[Rule, int], Scene]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[MakeScene]:
    with ExitStack() as stack:

        def make(rule: Rule, trades: int) -> Scene:
            made = Scene(tmp_path, rule, trades)
            stack.callback(made.close)
            return made

        yield make


def refusing(status: int, culprits: set[str]) -> Rule:
    """A service that refuses a batch as a whole for the sake of a few trades in it."""

    def rule(request: Received) -> bytes:
        sent = {outcome["trade_id"] for outcome in request.json()["outcomes"]}
        return problem(status, f"upset by {sorted(sent & culprits)}") if sent & culprits else taking_all(request)

    return rule


def test_trades_go_in_order_in_batches_of_a_hundred(scene: MakeScene) -> None:
    made = scene(taking_all, 250)
    made.deliver()
    assert [len(batch) for batch in made.ledger.batches] == [100, 100, 50]
    assert made.ledger.sent == [f"t{number:03d}" for number in range(250)]
    assert made.outbox.rows() == []


def test_each_trade_is_settled_by_its_own_answer(scene: MakeScene) -> None:
    answers = {"t000": "recorded", "t001": "duplicate", "t002": "invalid", "t003": "conflict"}
    made = scene(lambda request: taking_all(request, lambda item: answers[item["trade_id"]]), 4)
    made.deliver()
    assert made.pending == []
    assert made.quarantine == {
        "t002": "invalid: the answer to t002",
        "t003": "conflict: the answer to t003",
    }


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_refused_as_a_whole_is_halved_until_the_culprit_stands_alone(scene: MakeScene, status: int) -> None:
    made = scene(refusing(status, {"t013", "t077"}), 100)
    made.deliver()
    assert made.pending == []
    assert made.quarantine == {
        "t013": f"HTTP {status}: upset by ['t013']",
        "t077": f"HTTP {status}: upset by ['t077']",
    }
    taken = [trade for batch in made.ledger.batches if not {"t013", "t077"} & set(batch) for trade in batch]
    assert taken == [f"t{number:03d}" for number in range(100) if number not in {13, 77}]


def test_a_body_too_large_is_split_until_it_fits(scene: MakeScene) -> None:
    limit = 2_000
    made = scene(
        lambda request: problem(413) if len(request.body) > limit else taking_all(request),
        64,
    )
    made.deliver()
    assert made.outbox.rows() == []
    assert max(len(batch) for batch in made.ledger.batches) == 64
    assert len([batch for batch in made.ledger.batches if len(batch) > 1]) > 1


def test_a_trade_that_makes_the_service_fail_does_not_hold_up_the_rest(scene: MakeScene) -> None:
    made = scene(refusing(500, {"t013", "t014"}), 100)
    for _ in range(2):
        with pytest.raises(ServiceFailedError):
            made.deliver()
    made.deliver()
    assert made.pending == ["t013", "t014"]
    assert made.quarantine == {}


@pytest.mark.parametrize("status", [301, 401, 403, 404, 429, 502, 503, 504])
def test_what_is_not_the_trades_fault_keeps_them_all(scene: MakeScene, status: int) -> None:
    made = scene(lambda _: problem(status), 100)
    with pytest.raises(ServiceError, match=f"HTTP {status}"):
        made.deliver()
    assert len(made.pending) == 100
    assert made.quarantine == {}
    assert len(made.ledger.batches) == 1, "one request is enough to know"


def acknowledging_another_trade(request: Received) -> bytes:
    results = [{"status": "recorded", "bot": "ares", "trade_id": "another"} for _ in request.json()["outcomes"]]
    return reply(200, json.dumps({"results": results}).encode())


@pytest.mark.parametrize(
    "rule",
    [
        lambda _: reply(200, b"garbage"),
        lambda _: reply(200, b'{"results": []}'),
        lambda _: reply(200, b'{"results": [{"status": "recorded"}, {"status": "recorded"}]}'),
        lambda request: taking_all(request, lambda _: "accepted"),
        acknowledging_another_trade,
    ],
    ids=["garbage", "no results", "results without names", "an unknown status", "another trade"],
)
def test_only_an_acknowledgement_of_that_very_trade_deletes_it(scene: MakeScene, rule: Rule) -> None:
    made = scene(rule, 2)
    with pytest.raises(BadReplyError):
        made.deliver()
    assert made.pending == ["t000", "t001"]


def test_a_damaged_text_is_not_sent(scene: MakeScene) -> None:
    made = scene(taking_all, 2)
    made.outbox.file.run(
        lambda connection: connection.execute(
            "UPDATE outcomes SET body = replace(body, '142.5', '942.5') WHERE seq = 1"
        )
    )
    made.deliver()
    assert made.ledger.batches == [["t001"]]
    assert made.quarantine == {"t000": "its text was damaged on disk"}


@pytest.mark.parametrize(
    ("header", "expected_seconds"),
    [
        ("7", 7),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER_SECONDS),
        ("-5", None),
        ("soon", None),
    ],
    ids=["seconds", "a date beyond the limit", "negative", "words"],
)
def test_retry_after_is_read(scene: MakeScene, header: str, expected_seconds: float | None) -> None:
    made = scene(lambda _: problem(503, headers={"Retry-After": header}), 1)
    with pytest.raises(ServiceFailedError) as failure:
        made.deliver()
    assert failure.value.retry_after_seconds == expected_seconds


def test_the_sender_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    times: list[float] = []
    pauses: list[float] = []

    def rule(request: Received) -> bytes:
        times.append(time.monotonic())
        return problem(503, headers={"Retry-After": "1"}) if len(times) == 1 else taking_all(request)

    def wait(event: threading.Event, seconds: float) -> bool:
        pauses.append(seconds)
        return event.wait(seconds)

    with Server(OutcomeLedger(rule)) as server:
        settings = ClientSettings(url=server.url, outbox=tmp_path)
        with Advisor(settings, timing=replace(SYSTEM_TIMING, wait=wait)) as advisor:
            record(advisor, "a")
            wait_until(lambda: advisor.stats().problem is not None)
            record(advisor, "b")  # new trades are no reason to ask earlier
            wait_until(lambda: advisor.stats().pending == 0)
    assert pauses[0] == 1.0
    assert times[1] - times[0] >= 1.0


def test_a_key_that_is_not_accepted_keeps_the_trades_and_warns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Server(OutcomeLedger(lambda _: problem(401, "unknown key"))) as server:
        settings = ClientSettings(url=server.url, outbox=tmp_path, api_key="wrong-key")
        with Advisor(settings) as advisor:
            record(advisor, "a")
            wait_until(lambda: advisor.stats().problem is not None)
            assert advisor.stats().pending == 1
            assert advisor.stats().quarantined == 0
            assert "401" in (advisor.stats().problem or "")
    warnings = [entry for entry in caplog.records if entry.levelname == "WARNING"]
    assert any("unknown key" in entry.getMessage() for entry in warnings)
    assert "wrong-key" not in caplog.text


def test_trades_left_by_an_earlier_process_go_with_the_next_question(tmp_path: Path, refused_url: str) -> None:
    with Advisor(ClientSettings(url=refused_url, outbox=tmp_path)) as advisor:
        record(advisor, "left-over")
    ledger = OutcomeLedger(lambda request: taking_all(request) if request.path == "/outcomes" else problem(503))
    with (
        Server(ledger) as server,
        Advisor(ClientSettings(url=server.url, outbox=tmp_path)) as advisor,
    ):
        assert ledger.batches == []
        advisor.get_trading_advice(vix=17.4, price=4512.5)
        wait_until(lambda: ledger.batches == [["left-over"]])


def test_close_delivers_what_it_can(tmp_path: Path) -> None:
    ledger = OutcomeLedger(taking_all)
    with Server(ledger) as server:
        advisor = Advisor(ClientSettings(url=server.url, outbox=tmp_path, deadline_seconds=PATIENT_SECONDS))
        for number in range(150):
            record(advisor, f"t{number}")
        advisor.close()
        assert len(ledger.sent) == 150


@pytest.mark.parametrize("script", [silent, None], ids=["silent", "refused"])
def test_close_is_bounded(tmp_path: Path, script: Script | None, refused_url: str) -> None:
    """An exchange with a silent service ends after 30 s; closing does not wait for it."""
    with ExitStack() as stack:
        url = stack.enter_context(Server(script)).url if script else refused_url
        advisor = Advisor(ClientSettings(url=url, outbox=tmp_path))
        record(advisor, "a")
        began = time.monotonic()
        advisor.close(timeout_seconds=0.5)
        assert time.monotonic() - began < 0.5 + MARGIN_SECONDS
        assert advisor.stats().pending == 1
        advisor.close()


def test_after_close_a_trade_is_still_kept(tmp_path: Path, refused_url: str) -> None:
    advisor = Advisor(ClientSettings(url=refused_url, outbox=tmp_path))
    advisor.close()
    record(advisor, "late")
    assert advisor.stats().pending == 1
    advisor.close()


def test_market_days_go_in_as_many_requests_as_it_takes(tmp_path: Path) -> None:
    def rule(request: Received) -> bytes:
        days = request.json()["days"]
        body = {"stored": len(days), "first": "1990-01-02", "last": days[-1]["date"], "sessions": 4500}
        return reply(200, json.dumps(body).encode())

    ledger = OutcomeLedger(rule)
    bar = {"spx_open": 100.0, "spx_high": 101.0, "spx_low": 99.0, "spx_close": 100.5, "vix_close": 17.0}
    days = [MarketDay(date=date(1990, 1, 1) + timedelta(days=number), **bar) for number in range(4500)]
    with (
        Server(ledger) as server,
        Advisor(ClientSettings(url=server.url, outbox=tmp_path)) as advisor,
    ):
        answer = advisor.push_market_days(day for day in days)
        assert (answer.stored, answer.last) == (4500, days[-1].date)
        sent = [request.json()["days"] for request in ledger.requests]
    assert [len(chunk) for chunk in sent] == [2000, 2000, 500]
    assert [day["date"] for chunk in sent for day in chunk] == [str(day.date) for day in days]


def record(advisor: Advisor, trade_id: str) -> None:
    advisor.record_outcome(
        trade_date="2024-01-02",
        features=MLFeatures(vix=17.4, price=4512.5),
        outcome=TradeOutcome.MAX_PROFIT,
        net_pnl=142.5,
        trade_id=trade_id,
    )
