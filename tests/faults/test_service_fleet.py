"""Three replicas and two workers on one database: one run, one swap seen by all, and no answer lost or mixed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from kronos.model.model import Model
from kronos.training.rows import TrainingRows
from tests.support.lived import report, trade
from tests.support.load import ADVICE, Answer, Load, ask, ask_at_once, load_on
from tests.support.processes import AdvisorProcess, Databases, equip, query, wait_until
from tests.support.retraining import LAST, ended, versions

# Only NOTIFY is as quick as that: the poll is not what swaps.
POLL_SECONDS, SWAPPED_WITHIN_SECONDS = 3_600, 60.0
REPLICAS, WORKERS, ASKERS = 3, 2, 50
# So patient that fifty at once are all answered, however busy the machine is.
SETTINGS = {
    "ADVISOR_POLL_SECONDS": str(POLL_SECONDS),
    "ADVISOR_DATABASE_POOL_WAIT_SECONDS": "60",
    "ADVISOR_DATABASE_STATEMENT_TIMEOUT_SECONDS": "60",
}


@dataclass
class Fleet:
    """Replicas and workers that share nothing but Postgres."""

    url: str
    replicas: list[AdvisorProcess]
    workers: list[AdvisorProcess]


@pytest.fixture(scope="module")
def fleet(
    databases: Databases,
    quick_artefact: bytes,
    sample_days: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    url = databases.make()

    def process(command: str, number: int) -> AdvisorProcess:
        folder: Path = tmp_path_factory.mktemp(f"{command}-{number}")
        return AdvisorProcess(command, url, folder, SETTINGS if command == "serve" else {})

    replicas = [process("serve", number) for number in range(REPLICAS)]
    workers = [process("worker", number) for number in range(WORKERS)]
    try:
        with ThreadPoolExecutor() as starting:
            list(starting.map(AdvisorProcess.start, [*replicas, *workers]))
        equip(replicas[0], quick_artefact, sample_days)
        wait_until(lambda: all(replica.has_model_and_bars() for replica in replicas))
        yield Fleet(url, replicas, workers)
    finally:
        for one in [*replicas, *workers]:
            one.stop()


def own_answer(replicas: list[AdvisorProcess]) -> dict[str, Any]:
    """What the version that all replicas serve now answers; none is being swapped."""
    (answer, *others) = [asked(replica) for replica in replicas]
    assert all(other == answer for other in others)
    return answer


def asked(replica: AdvisorProcess) -> dict[str, Any]:
    return content(ask(replica, "POST", "/advice", ADVICE))


def content(answer: Answer) -> dict[str, Any]:
    """A reply without what every reply has of its own."""
    assert answer.status == 200, (answer.status, answer.body)
    return {name: value for name, value in answer.body.items() if name != "advice_id"}


def assert_its_models_own(url: str, answer: dict[str, Any]) -> None:
    """The reply is what the stored artefact of its version says, evaluated here."""
    (row,) = query(url, "SELECT artefact FROM model_versions WHERE version = $1", answer["model_version"])
    values = {name: feature["value"] for name, feature in answer["features"].items()}
    prediction = Model.from_bytes(row["artefact"]).predict(answer["variant_name"], values, 1.0)
    assert answer["win_probability"] == prediction.probability
    assert answer["base_rate"] == prediction.base_rate
    assert [point["win_probability"] for point in answer["curve"]] == prediction.curve.tolist()


def assert_none_failed_or_mixed(load: Load, own: dict[str, dict[str, Any]]) -> None:
    """Every reply is, word for word, the answer of the version that it names."""
    answers = load.of("/advice")
    assert answers
    for answer in answers:
        assert content(answer) == own[answer.body["model_version"]]


def has_seen(load: Load, version: str, since: float) -> bool:
    return any(a.status == 200 and a.body["model_version"] == version for a in load.of("/advice", since=since))


def first_with(load: Load, version: str, since: float) -> float:
    """When the first reply with a version came; the load must be of one replica."""
    answers = load.of("/advice", since=since)
    return min(a.came_at for a in answers if a.status == 200 and a.body["model_version"] == version)


def test_fifty_ask_for_a_run_one_is_made_and_every_replica_swaps_at_once(
    fleet: Fleet, sample_rows: TrainingRows
) -> None:
    url, replicas = fleet.url, fleet.replicas
    first_new = int((sample_rows.sessions <= LAST).sum())
    report(replicas[1], [trade(sample_rows, at) for at in range(first_new, first_new + 60)])
    before = own_answer(replicas)
    with ExitStack() as until_swapped:
        # Seldom enough to leave a core to the training.
        loads = [until_swapped.enter_context(load_on([one], pause_seconds=0.05)) for one in replicas]
        share = [ASKERS // REPLICAS + (number < ASKERS % REPLICAS) for number in range(REPLICAS)]
        with ThreadPoolExecutor() as askers:
            jobs = [
                askers.submit(ask_at_once, replica, count, "POST", "/retrain", repeat(None))
                for replica, count in zip(replicas, share, strict=True)
            ]
            replies = [reply for job in jobs for reply in job.result()]
        assert len(replies) == ASKERS
        assert {reply.status for reply in replies} == {202}
        (run_id,) = {reply.body["run_id"] for reply in replies}
        run = ended(replicas[2], run_id)
        assert run["state"] == "promoted", run
        wait_until(lambda: all(has_seen(load, "1.1.0", 0.0) for load in loads))
    age = "SELECT extract(epoch FROM clock_timestamp() - activated_at) AS seconds FROM model_versions"
    (activated,) = query(url, f"{age} WHERE version = '1.1.0'")
    promoted_at = time.monotonic() - float(activated["seconds"])
    for load in loads:
        assert first_with(load, "1.1.0", 0.0) - promoted_at < SWAPPED_WITHIN_SECONDS
    after = own_answer(replicas)
    for answer in (before, after):
        assert_its_models_own(url, answer)
    assert before["curve"] != after["curve"]
    for load in loads:
        assert_none_failed_or_mixed(load, {"1.0.0": before, "1.1.0": after})
        seen = [answer.body["model_version"] for answer in load.answers]
        assert seen == sorted(seen), "a replica went back"
    assert len(query(url, "SELECT 1 FROM retrain_runs")) == 1
    picked = query(url, "SELECT job_id FROM pgqueuer_log WHERE status = 'picked'")
    assert len(picked) == 1
    retrained = [(version, state) for version, state in versions(url) if version.startswith("1.")]
    assert retrained == [("1.0.0", "retired"), ("1.1.0", "champion")]


def test_a_rollback_reaches_every_replica_at_once_and_mixes_nothing(fleet: Fleet, artefact: bytes) -> None:
    url, replicas = fleet.url, fleet.replicas
    uploaded = replicas[0].request("POST", "/models", body=artefact).json()["version"]
    own: dict[str, dict[str, Any]] = {}
    for version in (uploaded, "1.0.0"):
        assert replicas[0].request("POST", f"/models/{version}/activate").status == 200
        wait_until(lambda: all(asked(replica)["model_version"] == version for replica in replicas))  # noqa: B023
        own[version] = own_answer(replicas)
        assert_its_models_own(url, own[version])
    with ExitStack() as until_rolled_back:
        loads = [until_rolled_back.enter_context(load_on([one])) for one in replicas]
        for swap in range(6):
            version = uploaded if swap % 2 == 0 else "1.0.0"
            asked_at = time.monotonic()
            assert replicas[swap % REPLICAS].request("POST", f"/models/{version}/activate").status == 200
            promoted_at = time.monotonic()
            wait_until(lambda: all(has_seen(load, version, asked_at) for load in loads))  # noqa: B023
            for load in loads:
                assert first_with(load, version, asked_at) - promoted_at < SWAPPED_WITHIN_SECONDS
    for load in loads:
        assert_none_failed_or_mixed(load, own)
    assert [version for version, state in versions(url) if state == "champion"] == ["1.0.0"]
