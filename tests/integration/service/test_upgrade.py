"""From the first release on: its data upgrades while advice is served, and its client is understood."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kronos.market.history import OPTIONAL_COLUMNS
from service.db.migrate import migrate
from tests.support import earlier_data
from tests.support.in_process import InProcessService, StartService, StartWorker
from tests.support.paths import FIXTURES, ROOT
from tests.support.processes import PATIENT_SECONDS, Databases, environment_with, query, wait_until
from tests.support.retraining import ask_for_a_run, ended
from tests.support.settings import settings_of

FIRST_RELEASE = "0002"
"""The revision of the database that the first release left."""
CHAMPION = earlier_data.CHAMPION
AT_ENTRY = {"vix": 25.4, "price": 2510.0, "as_of": "2019-01-02T09:35:00-05:00"}
MORNING = datetime(2019, 1, 2, 14, 35, tzinfo=UTC)
OLD_WHEEL = FIXTURES / "ares_client-0.1.0-py3-none-any.whl"
BARE = set(OPTIONAL_COLUMNS) - {"vix_open", "vix_high", "vix_low"}


@pytest.fixture
def first_release(databases: Databases, tmp_path: Path, sample_days: list[dict[str, Any]]) -> Iterator[str]:
    """A database as the first release left it: its champion, bars of SPX and VIX, trades and advice."""
    artefact = (FIXTURES / "format_1.ares").read_bytes()
    url = databases.make(template=None)
    asyncio.run(migrate(settings_of(url), FIRST_RELEASE))
    rows = earlier_data.of_0002(artefact)
    plain = [{name: value for name, value in day.items() if name not in BARE} for day in sample_days]
    rows["market_days"] = [{"session": day.pop("date"), **day} for day in plain]
    del rows["api_keys"]

    async def fill() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            await earlier_data.insert(connection, rows)
        finally:
            await connection.close()

    asyncio.run(fill())
    query(url, "DELETE FROM pgqueuer")
    query(url, "DELETE FROM ares_ml_outcomes WHERE cardinality(flags) > 0")
    query(url, "UPDATE retrain_runs SET verdict = 'refused', finished_at = now() WHERE verdict IS NULL")
    kept = tmp_path / "data" / "champion" / f"{CHAMPION}.ares"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(artefact)
    yield url
    databases.drop_later(url)


def answer(service: InProcessService) -> dict[str, Any]:
    reply = service.request("POST", "/advice", AT_ENTRY)
    assert reply.status == 200, reply.data
    said: dict[str, Any] = reply.json()
    return said


def test_the_old_champion_answers_throughout_until_a_new_one_is_trained(
    first_release: str,
    start_service: StartService,
    start_worker: StartWorker,
    sample_days: list[dict[str, Any]],
) -> None:
    service = start_service(first_release)
    assert answer(service)["model_version"] == CHAMPION, "before the migration: bars cannot be read, the model can"
    asyncio.run(migrate(settings_of(first_release)))
    wait_until(lambda: answer(service)["variant"] == "full")
    before = answer(service)
    assert (before["model_version"], before["variant_name"]) == (CHAMPION, "full")
    assert "realised_22_over_implied" in before["features"], "features that no new model has"

    start_worker(first_release)
    without_spy = ended(service, ask_for_a_run(service))
    assert without_spy["state"] == "refused"
    assert without_spy["reason"].startswith("insufficient_evidence: ")
    assert without_spy["reason"].endswith("train a model with `kronos train --push`")
    assert answer(service) | {"advice_id": 0} == before | {"advice_id": 0}

    assert service.request("PUT", "/market-days", {"days": sample_days}).status == 200
    anew = ended(service, ask_for_a_run(service, force=True))
    assert anew["state"] == "promoted", anew["reason"]
    wait_until(lambda: answer(service)["model_version"] == anew["model_version"])
    after = answer(service)
    assert after["variant_name"] in {"term", "full"}
    assert "move_22_over_implied" in after["features"]


def test_the_client_of_the_first_contract_is_understood_and_understands(
    ready_database_url: str, tmp_path: Path
) -> None:
    """A variant that it does not know answers; it is told `full`, which is what it would have been without."""
    service = InProcessService(ready_database_url, tmp_path / "data", clock=lambda: MORNING).start()
    try:
        bot = subprocess.run(
            [sys.executable, "-m", "tests.support.old_client", str(OLD_WHEEL), "2018-12-31"],
            cwd=ROOT,
            env=environment_with(
                ARES_ADVISOR_URL=service.url,
                ARES_ADVISOR_OUTBOX=str(tmp_path / "outbox"),
                ARES_ADVISOR_DEADLINE_SECONDS=str(PATIENT_SECONDS),
            ),
            capture_output=True,
            text=True,
            check=True,
            timeout=2 * PATIENT_SECONDS,
        )
        said = json.loads(bot.stdout)
        assert str(OLD_WHEEL) in said["client"]
        assert said["source"] == "service", bot.stderr
        assert said["delivered"]
        wait_until(lambda: query(ready_database_url, "SELECT reply FROM advice_log"))
        (row,) = query(ready_database_url, "SELECT reply FROM advice_log")
        logged = json.loads(row["reply"])
        assert (logged["variant"], logged["win_probability"]) == ("term", said["win_probability"])
    finally:
        service.stop()
