"""Fixtures that everything shares: the sample, a model trained on it, real PostgreSQL, real processes.

What is heavy is imported where it is needed, so that unit tests start fast.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kronos.condor.spec import CondorSpec
from kronos.market.csv_file import bundled_sample
from kronos.market.history import MarketHistory
from tests.support.shared import AGED_THROUGH, made_once

if TYPE_CHECKING:
    from kronos.model.model import Model
    from kronos.training.export import TrainedModel
    from kronos.training.rows import TrainingRows
    from tests.support.processes import AdvisorProcess, Databases, StartProcess


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """An embedded server with a migrated template."""
    from pydantic import SecretStr

    from service.db.embedded import EmbeddedPostgres
    from service.db.migrate import migrate
    from service.settings import Settings
    from tests.support.processes import TEMPLATE, Databases, traversable_temporary_folder

    folder = traversable_temporary_folder("ares-tests-")
    server = EmbeddedPostgres(folder)
    server.start()
    try:
        made = Databases(server)
        made.execute(f"CREATE DATABASE {TEMPLATE}")
        asyncio.run(migrate(Settings(database_url=SecretStr(server.url(TEMPLATE)))))
        yield made
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(databases: Databases) -> str:
    """A migrated, empty database of the test's own."""
    return databases.make()


@pytest.fixture(scope="session")
def sample() -> MarketHistory:
    """The bundled market sample."""
    return bundled_sample()


@pytest.fixture(scope="session")
def spec() -> CondorSpec:
    """The default trade: entry at the open, settled at that day's close."""
    return CondorSpec()


@pytest.fixture(scope="session")
def sample_rows(sample: MarketHistory, spec: CondorSpec) -> TrainingRows:
    """Training rows of the whole sample."""
    from kronos.training.rows import build_rows

    return build_rows(sample, spec)[0]


@pytest.fixture(scope="session")
def trained(
    sample: MarketHistory, sample_rows: TrainingRows, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory
) -> TrainedModel:
    """A model trained on the whole sample."""
    from kronos.training.export import train

    return made_once(tmp_path_factory, "trained", lambda: train(sample_rows, spec, sample))


@pytest.fixture(scope="session")
def artefact(trained: TrainedModel) -> bytes:
    """The trained model's file."""
    return trained.artefact.to_bytes()


@pytest.fixture(scope="session")
def aged_artefact(sample: MarketHistory, spec: CondorSpec, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A model that has not seen what came after `AGED_THROUGH`."""
    from kronos.training.export import train
    from kronos.training.rows import build_rows

    def make() -> bytes:
        return train(build_rows(sample, spec, end=AGED_THROUGH)[0], spec, sample).artefact.to_bytes()

    return made_once(tmp_path_factory, "aged", make)


@pytest.fixture(scope="session")
def model(artefact: bytes) -> Model:
    """The trained model as it is served."""
    from kronos.model.model import Model

    return Model.from_bytes(artefact)


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Starts `advisor` processes and stops them after the test."""
    from tests.support.processes import AdvisorProcess

    started: list[AdvisorProcess] = []

    def start(command: str, database_url: str, **settings: str) -> AdvisorProcess:
        process = AdvisorProcess(command, database_url, tmp_path / "data", settings)
        started.append(process)
        return process.start()

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def service(start_process: StartProcess, database_url: str) -> AdvisorProcess:
    """A running service over an empty database: no model, no bars."""
    return start_process("serve", database_url)


@pytest.fixture(scope="session")
def sample_days(sample: MarketHistory) -> list[dict[str, Any]]:
    """The sample as `PUT /market-days` takes it."""
    from kronos.commands.push import market_days

    return [day.model_dump(mode="json") for day in market_days(sample)]


@pytest.fixture
def ready_service(service: AdvisorProcess, artefact: bytes, sample_days: list[dict[str, Any]]) -> AdvisorProcess:
    """A running service with a model and the sample's bars."""
    from tests.support.processes import equip

    equip(service, artefact, sample_days)
    return service


@pytest.fixture
def aged_service(service: AdvisorProcess, aged_artefact: bytes, sample_days: list[dict[str, Any]]) -> AdvisorProcess:
    """A running service whose model has half a year still to learn."""
    from tests.support.processes import equip

    equip(service, aged_artefact, sample_days)
    return service


@pytest.fixture(scope="session")
def live_service(
    databases: Databases,
    artefact: bytes,
    sample_days: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[AdvisorProcess]:
    """One running service with model and bars, shared by the tests of the client."""
    from tests.support.processes import AdvisorProcess, equip

    service = AdvisorProcess("serve", databases.make(), tmp_path_factory.mktemp("live"))
    service.start()
    equip(service, artefact, sample_days)
    yield service
    service.stop()
