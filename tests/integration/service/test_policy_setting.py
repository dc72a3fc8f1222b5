"""`ADVISOR_POLICY` at start: both kinds are read, and one that cannot be is one clear line."""

from __future__ import annotations

from typing import Any

import pytest

from kronos.condor.costs import SURVIVABLE_RISK_PCT
from kronos.model.policy import Policy
from service.settings import load_settings
from tests.support.command_line import RunCommand
from tests.support.in_process import StartService

FIRST_KIND = '{"skip_below_base": 0.12, "full_within_base": 0.02, "full_risk_pct": 10, "target_probability": 0.8}'

READ: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "JSON": (
        {"ADVISOR_POLICY": '{"skip_below": 0.07, "full_within": 0.03}'},
        {"skip_below": 0.07, "full_within": 0.03},
    ),
    "one margin": ({"ADVISOR_POLICY": '{"skip_below": 0.02}'}, {"skip_below": 0.02, "full_within": 0.02}),
    "one variable a value": (
        {"ADVISOR_POLICY__SKIP_BELOW": "0.07", "ADVISOR_POLICY__RELATIVE_TO": "base"},
        {"skip_below": 0.07, "relative_to": "base"},
    ),
    "the first kind": (
        {"ADVISOR_POLICY": FIRST_KIND},
        {"skip_below": 0.12, "relative_to": "base", "risk_cap_pct": SURVIVABLE_RISK_PCT},
    ),
}


@pytest.mark.parametrize(("variables", "expected"), READ.values(), ids=READ.keys())
def test_policies_of_both_kinds_are_read(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: dict[str, Any]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    policy = load_settings().policy
    assert isinstance(policy, Policy)
    assert {name: getattr(policy, name) for name in expected} == expected


@pytest.mark.parametrize(
    "policy",
    [
        '{"skip_below": "much"}',
        '{"surprise": 1}',
        '{"skip_below": 0.1, "skip_below_base": 0.1}',
        '{"risk_cap_pct": 200}',
    ],
)
def test_one_that_cannot_be_read_is_one_line(run_command: RunCommand, policy: str) -> None:
    ended = run_command("serve", ADVISOR_POLICY=policy)
    assert ended.returncode == 2
    (line,) = ended.stderr.strip().splitlines()
    assert "ADVISOR_POLICY" in line


def test_an_old_policy_serves_under_the_new_cap(start_service: StartService, ready_database_url: str) -> None:
    service = start_service(ready_database_url, policy={"skip_below_base": 0.5, "full_within_base": 0.4})
    asked = {"vix": 20.0, "price": 2530.0, "as_of": "2019-01-02T09:35:00-05:00", "risk_per_trade_pct": 10}
    reply = service.request("POST", "/advice", asked).json()
    assert (reply["advice"], reply["suggested_risk_pct"]) == ("TRADE_FULL", SURVIVABLE_RISK_PCT)
