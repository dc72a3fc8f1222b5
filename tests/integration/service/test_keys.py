"""Who may ask: made, listed and revoked by `advisor keys`, known to every replica within a moment, kept as hashes."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import RunCommand
from tests.support.in_process import InProcessService, StartService
from tests.support.keys import BOOTSTRAP_KEY, key_id, make_key, revoke_key
from tests.support.processes import Databases, query, unreachable_database, wait_until
from tests.support.running_service import RunningService

ADVICE = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T14:35:00Z"}
OUTCOME = {"trade_id": "t-1", "trade_date": "2018-12-03", "outcome": "MAX_PROFIT", "net_pnl": 95.0}
BAR = {
    "date": "2018-12-31",
    **dict.fromkeys(("spx_open", "spx_high", "spx_low", "spx_close"), 2500.0),
    "vix_close": 25.0,
}
ROUTES: dict[str, list[tuple[str, str, Any]]] = {
    "advice": [("POST", "/advice", ADVICE)],
    "outcomes": [("POST", "/outcomes", OUTCOME)],
    "read": [
        ("GET", "/outcomes", None),
        ("GET", "/models", None),
        ("GET", "/models/1.0.0", None),
        ("GET", "/retrain", None),
        ("GET", "/retrain/00000000-0000-0000-0000-000000000000", None),
        ("GET", "/performance", None),
        ("GET", "/metrics", None),
    ],
    "operate": [
        ("POST", "/retrain", {"min_new_samples": 1000}),
        ("PUT", "/market-days", {"days": [BAR]}),
        ("POST", "/models", None),
        ("POST", "/models/9.9.9/activate", None),
    ],
}


def ask(service: RunningService, token: str | None, method: str, path: str, body: Any = None) -> int:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return service.plain_request(method, path, body, headers).status


def guard(service: RunningService) -> str:
    """Make a first key, so that nobody enters without one; returns its token."""
    token = make_key(service.database_url, "first", "operate")
    wait_until(lambda: ask(service, None, "GET", "/models") == 401)
    assert ask(service, token, "GET", "/models") == 200
    return token


@pytest.fixture
def guarded_service(ready_service: InProcessService) -> InProcessService:
    """Ready, with a key, and of the test's own."""
    guard(ready_service)
    return ready_service


@pytest.fixture(scope="module")
def shared_service(
    databases: Databases, ready_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InProcessService]:
    """Ready, with a key, for tests that take nothing away."""
    service = InProcessService(databases.make(ready_template), tmp_path_factory.mktemp("shared")).start()
    guard(service)
    yield service
    service.stop()


def test_each_scope_opens_its_routes_and_no_others(shared_service: RunningService) -> None:
    keys = {scope: make_key(shared_service.database_url, scope, scope) for scope in ROUTES}
    wait_until(lambda: all(ask(shared_service, token, "GET", "/models") != 401 for token in keys.values()))
    for held, token in keys.items():
        for wanted, routes in ROUTES.items():
            for method, path, body in routes:
                status = ask(shared_service, token, method, path, body)
                may = held == wanted or (held, wanted) == ("operate", "read")
                assert (status == 403) != may, (held, method, path, status)
                assert status < 500


def test_only_health_the_dashboard_and_the_reference_are_open(shared_service: RunningService) -> None:
    open_routes = ["/livez", "/readyz", "/", "/openapi.json"]
    assert [ask(shared_service, None, "GET", path) for path in open_routes] == [200] * len(open_routes)
    for method, path, body in [route for routes in ROUTES.values() for route in routes]:
        assert ask(shared_service, None, method, path, body) == 401, path


def test_a_refusal_says_how_to_authenticate_and_not_what_was_sent(shared_service: RunningService) -> None:
    for number, given in enumerate(
        (
            "Bearer ares_0123456789ab_wrong-secret",
            "Bearer wrong-secret",
            "Basic d3Jvbmctc2VjcmV0",
            "wrong-secret",
        )
    ):
        headers = {"authorization": given, "x-request-id": f"refused-{number}"}
        response = shared_service.plain_request("GET", "/models", headers=headers)
        assert response.status == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/problem+json"
        assert b"wrong-secret" not in response.data
    wait_until(lambda: "refused-3" in shared_service.log)  # a request is logged once its reply has left
    assert "wrong-secret" not in shared_service.log


def test_a_known_id_with_another_secret_is_refused(shared_service: RunningService) -> None:
    token = make_key(shared_service.database_url, "quant", "read")
    wait_until(lambda: ask(shared_service, token, "GET", "/models") == 200)
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert ask(shared_service, forged, "GET", "/models") == 401
    assert ask(shared_service, token[:20], "GET", "/models") == 401


def test_a_bots_key_speaks_for_that_bot_only(shared_service: RunningService) -> None:
    token = make_key(shared_service.database_url, "north", "advice", "outcomes", "read", bot="ares-north")
    wait_until(lambda: ask(shared_service, token, "GET", "/models") == 200)
    own, other = {"bot": "ares-north"}, {"bot": "ares-south"}
    assert ask(shared_service, token, "POST", "/outcomes", OUTCOME | own) == 201
    assert ask(shared_service, token, "POST", "/outcomes", OUTCOME | other) == 403
    assert ask(shared_service, token, "POST", "/outcomes", OUTCOME) == 403
    mixed = {"outcomes": [OUTCOME | own | {"trade_id": "t-2"}, OUTCOME | other]}
    assert ask(shared_service, token, "POST", "/outcomes", mixed) == 403
    recorded = query(shared_service.database_url, "SELECT bot, trade_id FROM ares_ml_outcomes WHERE bot <> 'ares'")
    assert [tuple(row) for row in recorded] == [("ares-north", "t-1")]
    assert ask(shared_service, token, "POST", "/advice", ADVICE | own) == 200
    assert ask(shared_service, token, "POST", "/advice", ADVICE | other) == 403
    assert ask(shared_service, token, "GET", "/outcomes?bot=ares-south") == 403
    assert ask(shared_service, token, "GET", "/performance?bot=ares-south") == 403
    assert ask(shared_service, token, "GET", "/performance") == 200


def test_a_revoked_key_is_refused_by_every_replica(
    guarded_service: RunningService, start_service: StartService, run_command: RunCommand, tmp_path: Path
) -> None:
    url = guarded_service.database_url
    replica = start_service(url, tmp_path / "replica")
    made = run_command("keys", "make", "leaver", "--scope", "read", ADVISOR_DATABASE_URL=url)
    token = made.stdout.strip()
    assert re.fullmatch(r"ares_[0-9a-f]{12}_[\w-]{43}", token)
    assert token not in made.stderr
    wait_until(lambda: all(ask(one, token, "GET", "/models") == 200 for one in (guarded_service, replica)))
    assert run_command("keys", "revoke", key_id(token), ADVISOR_DATABASE_URL=url).returncode == 0
    wait_until(lambda: all(ask(one, token, "GET", "/models") == 401 for one in (guarded_service, replica)))
    again = run_command("keys", "revoke", key_id(token), ADVISOR_DATABASE_URL=url)
    assert again.returncode == 2
    assert "no such key" in again.stderr
    listed = run_command("keys", "list", ADVISOR_DATABASE_URL=url).stdout
    assert re.search(rf"{key_id(token)} .* revoked .* read .* leaver", listed)
    assert token.split("_", 2)[2] not in listed


def test_with_its_last_key_revoked_a_service_stays_closed(ready_service: RunningService) -> None:
    last = guard(ready_service)
    revoke_key(ready_service.database_url, key_id(last))
    wait_until(lambda: ask(ready_service, last, "GET", "/models") == 401)
    assert ask(ready_service, None, "GET", "/models") == 401
    ready_service.restart()
    assert ask(ready_service, None, "GET", "/models") == 401


def test_only_a_hash_is_stored_and_kept_on_disk(shared_service: RunningService) -> None:
    token = make_key(shared_service.database_url, "hashed", "read")
    (row,) = query(shared_service.database_url, "SELECT * FROM api_keys WHERE name = 'hashed'")
    assert row["secret_sha256"] == hashlib.sha256(token.encode()).digest()
    assert token not in str(dict(row))
    on_disk = shared_service.data_dir / "keys.json"
    wait_until(lambda: row["key_id"] in on_disk.read_text())
    assert token.split("_", 2)[2] not in on_disk.read_text()
    assert stat.S_IMODE(on_disk.stat().st_mode) == 0o600


def test_a_restart_without_postgres_knows_the_keys(guarded_service: RunningService) -> None:
    token = make_key(guarded_service.database_url, "bot", "advice")
    wait_until(lambda: key_id(token) in (guarded_service.data_dir / "keys.json").read_text())
    guarded_service.stop()
    guarded_service.database_url = unreachable_database()
    guarded_service.start()
    assert ask(guarded_service, token, "POST", "/advice", ADVICE) == 200
    assert ask(guarded_service, None, "POST", "/advice", ADVICE) == 401


def test_a_lost_database_opens_no_service_that_was_closed(
    guarded_service: RunningService, databases: Databases
) -> None:
    """An empty one in its place has no keys: those that the replica keeps stay in force, and the door stays closed."""
    token = make_key(guarded_service.database_url, "bot", "advice")
    on_disk = guarded_service.data_dir / "keys.json"
    wait_until(lambda: key_id(token) in on_disk.read_text())
    guarded_service.stop()
    guarded_service.database_url = databases.make()
    before = on_disk.read_bytes()
    guarded_service.start()
    assert ask(guarded_service, None, "GET", "/models") == 401
    assert ask(guarded_service, token, "POST", "/advice", ADVICE) in {200, 503}
    assert on_disk.read_bytes() == before
    databases.drop_later(guarded_service.database_url)


@pytest.mark.parametrize("kept", [None, b"garbage", b'[{"key_id": 1}]', b'{"a": []}', b"[1]"])
def test_without_postgres_and_without_known_keys_nobody_enters_but_by_the_bootstrap_key(
    start_service: StartService, tmp_path: Path, kept: bytes | None
) -> None:
    if kept is not None:
        (tmp_path / "keys.json").write_bytes(kept)
    away = unreachable_database()
    service = start_service(away, tmp_path)
    response = service.plain_request("GET", "/metrics")
    assert response.status == 503
    assert response.headers["retry-after"]
    service.stop()
    service = start_service(away, tmp_path, api_key=BOOTSTRAP_KEY)
    assert ask(service, BOOTSTRAP_KEY, "GET", "/metrics") == 200
    assert ask(service, "another", "GET", "/metrics") == 503


def test_the_bootstrap_key_may_do_everything(start_service: StartService, database_url: str) -> None:
    service = start_service(database_url, api_key=BOOTSTRAP_KEY)
    for method, path, body in [route for routes in ROUTES.values() for route in routes]:
        assert ask(service, BOOTSTRAP_KEY, method, path, body) not in {401, 403}
        assert ask(service, None, method, path, body) == 401


def test_a_key_has_an_allowance_of_its_own_for_each_scope(start_service: StartService, database_url: str) -> None:
    service = start_service(database_url, api_key=BOOTSTRAP_KEY, rate_limit_per_minute=3)
    token = make_key(database_url, "bot", "advice", "outcomes")
    wait_until(lambda: ask(service, token, "GET", "/models") == 403)
    outcomes = [OUTCOME | {"trade_id": f"t-{number}"} for number in range(4)]
    assert [ask(service, token, "POST", "/outcomes", outcome) for outcome in outcomes] == [201, 201, 201, 429]
    headers = {"authorization": f"Bearer {token}"}
    refused = service.plain_request("POST", "/outcomes", OUTCOME, headers)
    assert refused.status == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert ask(service, token, "POST", "/advice", ADVICE) == 503, "no model, but not refused for the outcomes"
    assert ask(service, BOOTSTRAP_KEY, "POST", "/outcomes", outcomes[3]) == 201


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["make", "bot"], "--scope"),
        (["make", "bot", "--scope", "everything"], "everything"),
        (["make", "a name", "--scope", "read"], "without spaces"),
        (["make", "bot", "--scope", "read", "--bot", "b\n"], "without spaces"),
        (["revoke", "nobody"], "no such key"),
    ],
)
def test_bad_arguments_are_told(database_url: str, run_command: RunCommand, arguments: list[str], told: str) -> None:
    result = run_command("keys", *arguments, ADVISOR_DATABASE_URL=database_url)
    assert result.returncode == 2
    assert told in result.stderr
    assert not query(database_url, "SELECT 1 FROM api_keys")


@pytest.mark.parametrize("is_named", [False, True], ids=["none is named", "it is away"])
def test_without_a_database_one_line_says_what_to_do(tmp_path: Path, run_command: RunCommand, is_named: bool) -> None:
    named = {"ADVISOR_DATABASE_URL": unreachable_database()} if is_named else {}
    result = run_command("keys", "list", ADVISOR_DATA_DIR=str(tmp_path), **named)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "database" in result.stderr
    assert "hunter2" not in result.stderr
