"""What a bot sees: the names, their types, and that importing and making a client does nothing yet."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
import types
from pathlib import Path

import pytest

import ares_client
from ares_client import Advisor, AsyncAdvisor, shared, testing
from ares_client._http.operations import Operations

TYPED_USE = Path(__file__).with_name("typed_use.py")


def test_all_is_what_is_exposed():
    exposed = {
        name
        for name, value in vars(ares_client).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert set(ares_client.__all__) == exposed
    assert ares_client.__all__ == sorted(ares_client.__all__)


def test_the_guides_names_are_there():
    assert {
        "get_trading_advice",
        "TradingAdvice",
        "get_advisor",
        "MLFeatures",
        "TradeOutcome",
    } <= set(ares_client.__all__)


def public_methods(kind: type) -> set[str]:
    return {name for name, value in inspect.getmembers(kind, callable) if not name.startswith("_")}


def test_both_faces_offer_the_same():
    assert public_methods(AsyncAdvisor) == public_methods(Advisor) - {"get_trading_advice_async"}
    for name in public_methods(AsyncAdvisor):
        assert inspect.signature(getattr(AsyncAdvisor, name)) == inspect.signature(getattr(Advisor, name))
    assert public_methods(Operations) <= public_methods(AsyncAdvisor)


def test_the_guides_function_takes_what_the_method_takes():
    function = inspect.signature(shared.get_trading_advice).parameters
    method = dict(inspect.signature(Advisor.get_trading_advice).parameters)
    del method["self"]
    assert [*function] == ["vix", "price", "day_of_week", "options"]
    assert function == method


@pytest.mark.parametrize(
    "error",
    [
        ares_client.OutcomeNotRecordedError("t1", ares_client.OutboxUnavailableError("full"), "HTTP 503: away"),
        ares_client.ServiceFailedError(503, "away", 7.0),
        ares_client.ServiceRefusedError(403, "no scope"),
        ares_client.DeadlineExceededError("no reply within 2 s"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_travel_between_processes(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert str(vars(copy)) == str(vars(error))


def test_the_stand_in_is_an_advisor():
    assert issubclass(testing.InMemoryAdvisor, Advisor)


def test_the_types_hold_for_a_bot_that_checks_them():
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(TYPED_USE)],
        cwd=Path(ares_client.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr


QUIET = """
import sys

events = []
sys.addaudithook(lambda event, arguments: events.append((event, arguments)))
from ares_client import Advisor, AsyncAdvisor, ClientSettings
from ares_client.shared import get_advisor

first = len(events)
Advisor(ClientSettings())
AsyncAdvisor()
get_advisor()
for event, arguments in events[first:]:
    if event.split(".")[0] in {"open", "os", "shutil", "socket", "sqlite3", "subprocess", "tempfile"}:
        print(event, arguments)
    if event == "_thread.start_new_thread":
        print("a thread was started")
"""


def test_making_one_touches_neither_network_nor_disk(run_python, tmp_path):
    assert run_python(QUIET, HOME=str(tmp_path)) == ""
    assert list(tmp_path.iterdir()) == []


def test_the_same_advisor_every_time(run_python):
    script = "from ares_client import get_advisor; print(get_advisor() is get_advisor())"
    assert run_python(script, ARES_ADVISOR_OUTBOX="/nowhere") == "True\n"


def test_a_configuration_that_cannot_be_used_is_no_reason_to_raise_in_the_trading_window(run_python):
    script = (
        "from ares_client import get_trading_advice, get_advisor\n"
        "advice = get_trading_advice(vix=17.4, price=4512.5, day_of_week=1)\n"
        "print(advice.source, advice.reason, advice.suggested_risk_pct)\n"
        "try: get_advisor()\n"
        "except ValueError as error: print(error)\n"
    )
    first, second = run_python(script, ARES_ADVISOR_URL="advisor:8000").splitlines()
    assert first == "fallback misconfigured 10.0"
    assert "ARES_ADVISOR_URL" in second


def test_a_script_that_ends_delivers_first_if_it_can(run_python, tmp_path):
    """The shared's bot never calls close: what it recorded in its last moment is on disk all the same."""
    script = (
        "from ares_client import get_advisor, MLFeatures, TradeOutcome\n"
        "get_advisor().record_outcome(trade_date='2024-01-02', features=MLFeatures(vix=17, price=4500),\n"
        "    outcome=TradeOutcome.MAX_PROFIT, net_pnl=1)\n"
    )
    run_python(script, ARES_ADVISOR_OUTBOX=str(tmp_path), ARES_ADVISOR_URL="http://127.0.0.1:9")
    with Advisor(ares_client.ClientSettings(outbox=tmp_path, url="http://127.0.0.1:9")) as advisor:
        assert advisor.stats().pending == 1
