"""What a bot sees: the names, their signatures, and errors that travel between processes."""

from __future__ import annotations

import inspect
import pickle
import types

import pytest

import ares_client
from ares_client import Advisor, AsyncAdvisor, shared, testing
from ares_client._http.operations import Operations


def test_all_is_what_is_exposed() -> None:
    exposed = {
        name
        for name, value in vars(ares_client).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert set(ares_client.__all__) == exposed
    assert ares_client.__all__ == sorted(ares_client.__all__)


def test_the_guides_names_are_there() -> None:
    assert {
        "get_trading_advice",
        "TradingAdvice",
        "get_advisor",
        "MLFeatures",
        "TradeOutcome",
    } <= set(ares_client.__all__)


def public_methods(kind: type) -> set[str]:
    return {name for name, value in inspect.getmembers(kind, callable) if not name.startswith("_")}


def test_both_faces_offer_the_same() -> None:
    assert public_methods(AsyncAdvisor) == public_methods(Advisor) - {"get_trading_advice_async"}
    for name in public_methods(AsyncAdvisor):
        assert inspect.signature(getattr(AsyncAdvisor, name)) == inspect.signature(getattr(Advisor, name))
    assert public_methods(Operations) <= public_methods(AsyncAdvisor)


def test_the_guides_function_takes_what_the_method_takes() -> None:
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
def test_errors_travel_between_processes(error: ares_client.AdvisorError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert str(vars(copy)) == str(vars(error))


def test_the_stand_in_is_an_advisor() -> None:
    assert issubclass(testing.InMemoryAdvisor, Advisor)
